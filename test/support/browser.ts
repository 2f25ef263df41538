import chromium from '@sparticuz/chromium';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

/** A page in a real browser, and what it did on its own. */
export interface OpenedPage {
  readonly page: Page;
  /** URLs of everything that it asked for. */
  readonly requested: readonly string[];
  /** What the browser complained of: scripts that failed, and what a content security policy kept out. */
  readonly complaints: readonly string[];
  /** The value of an expression in the page; a text, since what it speaks of is there and not here. */
  readonly ask: (expression: string) => Promise<unknown>;
}

/** Chromium without a window, from the packages of this project: nothing has to be installed on the machine. */
export class TestBrowser {
  private constructor(private readonly browser: Browser) {}

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(
      await puppeteer.launch({
        executablePath: await chromium.executablePath(),
        // Tests may run as root, where Chromium has no sandbox; it opens pages of this project only.
        args: [...chromium.args, '--no-sandbox'],
        headless: 'shell',
      }),
    );
  }

  /** Opens a URL and waits until it is loaded and nothing is on its way. */
  async open(url: string): Promise<OpenedPage> {
    const page = await this.browser.newPage();
    const requested: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => void requested.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text());
    });
    page.on('pageerror', (error) => void complaints.push(String(error)));
    await page.goto(url, { waitUntil: 'networkidle0' });
    return { page, requested, complaints, ask: (expression) => page.evaluate(expression) };
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }
}
