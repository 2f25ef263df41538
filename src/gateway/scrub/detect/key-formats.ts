import { hasBase62Checksum } from './crc32-base62.js';
import { jwtEnd } from './jwt.js';

/** A key that shows what it is by how it begins. */
export interface KeyFormat {
  /** As findings call it, after `key/`. */
  readonly name: string;
  /** The first two characters at least, without classes: they are looked up before the expression is tried. */
  readonly beginnings: readonly string[];
  /** Where the key that begins at `at` ends; `at` where there is none. Costs at most the length of a key. */
  readonly endOf: (text: string, at: number) => number;
}

/** Of `sk_live_` and its like. */
const LONGEST_PREFIX = 8;
const END = '(?![A-Za-z0-9_-])';

/** Formats of keys, by what their makers or the rules of gitleaks and trufflehog say of them. */
export const KEY_FORMATS: readonly KeyFormat[] = [
  format('github', ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], `gh[pousr]_[A-Za-z0-9]{36}${END}`, githubProven),
  // Longer than the classic ones, and without a published checksum.
  format('github', ['ghs_', 'ghu_', 'gho_', 'ghp_', 'ghr_'], `gh[pousr]_[A-Za-z0-9]{37,255}${END}`, mixed),
  format('github', ['github_pat_'], `github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}${END}`),
  format('npm', ['npm_'], `npm_[A-Za-z0-9]{36}${END}`, (key) => hasBase62Checksum(key.slice(4, -6), key.slice(-6))),
  format('pypi', ['pypi-'], 'pypi-AgE[A-Za-z0-9_-]{50,1000}'),
  format('rubygems', ['rubygems_'], `rubygems_[a-f0-9]{48}${END}`),
  format('aws', ['AKIA', 'ASIA', 'ABIA', 'ACCA'], `A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}${END}`, notExample),
  format('google', ['AIza'], `AIza[0-9A-Za-z_-]{35}${END}`, mixed),
  format('google', ['GOCSPX-'], `GOCSPX-[0-9A-Za-z_-]{28}${END}`),
  format('google', ['ya29.'], 'ya29\\.[0-9A-Za-z_-]{30,1000}'),
  format('slack', ['xox'], `xox[abeoprs](?:\\.xox[bp])?-[0-9][0-9A-Za-z-]{22,400}`, mixed),
  format('slack', ['xapp-'], 'xapp-[0-9]-[A-Z0-9]{6,}-[0-9]{6,}-[a-f0-9]{32,}'),
  format('stripe', ['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_'], `[sr]k_(?:live|test)_[0-9A-Za-z]{24,247}`, mixed),
  format('stripe', ['whsec_'], 'whsec_[0-9A-Za-z+/]{32,100}', mixed),
  format('anthropic', ['sk-ant-'], 'sk-ant-[a-z]{3,8}[0-9]{2}-[0-9A-Za-z_-]{24,200}'),
  format('openrouter', ['sk-or-'], `sk-or-v1-[0-9a-f]{64}${END}`),
  format('openai', ['sk-'], `sk-[0-9A-Za-z_-]{32,240}${END}`, openaiProven),
  format('huggingface', ['hf_'], `hf_[A-Za-z0-9]{34}${END}`, mixed),
  format('groq', ['gsk_'], `gsk_[A-Za-z0-9]{52}${END}`),
  format('xai', ['xai-'], `xai-[A-Za-z0-9]{80}${END}`),
  format('gitlab', ['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glsoat-', 'glagent-'],
    'gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[0-9A-Za-z_-]{20,300}(?:\\.[0-9a-z]{2}\\.[0-9a-z]{9})?', mixed),
  format('vault', ['hvs.', 'hvb.', 'hvr.'], 'hv[sbr]\\.[0-9A-Za-z_-]{24,300}', mixed),
  format('sendgrid', ['SG.'], `SG\\.[0-9A-Za-z_-]{22}\\.[0-9A-Za-z_-]{43}${END}`),
  format('shopify', ['shpat_', 'shpca_', 'shppa_', 'shpss_'], `shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}${END}`),
  format('digitalocean', ['dop_v1_', 'doo_v1_', 'dor_v1_'], `do[por]_v1_[0-9a-f]{64}${END}`),
  format('docker', ['dckr_pat_'], `dckr_(?:pat|oat)_[0-9A-Za-z_-]{27,32}${END}`),
  format('databricks', ['dapi'], `dapi[0-9a-f]{32}(?:-[0-9])?${END}`),
  format('linear', ['lin_api_'], `lin_api_[0-9A-Za-z]{40}${END}`),
  format('notion', ['ntn_'], `ntn_[0-9]{11}[0-9A-Za-z]{35}${END}`),
  format('atlassian', ['ATATT3', 'ATCTT3'], 'AT[AC]TT3[0-9A-Za-z_=-]{170,300}'),
  { name: 'jwt', beginnings: ['eyJ'], endOf: jwtEnd },
]; // prettier-ignore

function format(
  name: string,
  beginnings: readonly string[],
  expression: string,
  proven: (key: string) => boolean = () => true,
): KeyFormat {
  const sticky = new RegExp(expression, 'y');
  return {
    name,
    beginnings,
    endOf: (text, at) => {
      sticky.lastIndex = at;
      const key = sticky.exec(text)?.[0];
      return key !== undefined && proven(key) ? at + key.length : at;
    },
  };
}

function githubProven(key: string): boolean {
  return hasBase62Checksum(key.slice(4, -6), key.slice(-6));
}

// The keys of AWS's own documentation.
function notExample(key: string): boolean {
  return !key.endsWith('EXAMPLE');
}

/** Random characters are many different ones, with digits or in both cases; placeholders and names are not. */
function mixed(key: string): boolean {
  const tail = key.slice(LONGEST_PREFIX);
  return new Set(tail).size >= 10 && (/[0-9]/.test(tail) || (/[A-Z]/.test(tail) && /[a-z]/.test(tail)));
}

// `sk-` alone begins many a name: the mark in the middle, a word that OpenAI uses, or one piece of random characters.
function openaiProven(key: string): boolean {
  if (key.includes('T3BlbkFJ')) return true;
  return /^sk-(?:(?:proj|svcacct|admin)-[0-9A-Za-z_-]{40,}|[0-9A-Za-z]{32,64})$/.test(key) && mixed(key);
}
