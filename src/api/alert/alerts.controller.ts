import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { ALERT_STATES, SEVERITIES } from '../../alert/alert.js';
import { AlertRules } from '../../alert/alert-rules.js';
import { Alerts } from '../../alert/alerts.js';
import type { Caller } from '../../kernel/caller.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { filterText, pageOfViews, pageQuery } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  alertDetailView,
  alertView,
  alertViewOf,
  notificationView,
  notificationViewOf,
  ruleView,
  ruleViewOf,
  type AlertDetailView,
  type AlertRuleView,
  type AlertView,
  type NotificationView,
} from './alert-view.js';

const alertsQuery = z.strictObject({
  state: z.enum(ALERT_STATES).optional(),
  rule: filterText.optional(),
  severity: z.enum(SEVERITIES).optional(),
  ...pageQuery,
});
type AlertsQuery = z.output<typeof alertsQuery>;

const testBody = z
  .strictObject({
    rule: filterText.optional().describe('to the channels of this rule'),
    channel: filterText.optional().describe('to this channel alone'),
  })
  .nullish()
  .transform((body) => body ?? {})
  .meta({ id: 'AlertTestBody' });
type TestBody = z.output<typeof testBody>;

const testView = z
  .object({ ok: z.boolean().describe('all of them were taken'), notifications: z.array(notificationView) })
  .meta({ id: 'AlertTestView' });
interface TestView {
  readonly ok: boolean;
  readonly notifications: NotificationView[];
}

/** What somebody should know at once. */
@Controller('v1/alerts')
export class AlertsController {
  constructor(
    private readonly alerts: Alerts,
    private readonly rules: AlertRules,
  ) {}

  @Get()
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listAlerts',
    tag: 'Alerts',
    summary: 'List alerts, newest first',
    answer: pageOfViews(alertView),
  })
  async list(@Query({ schema: alertsQuery }) query: AlertsQuery): Promise<PageView<AlertView>> {
    return pageView(await this.alerts.list(defined(query)), alertViewOf);
  }

  @Get('rules')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listAlertRules',
    tag: 'Alerts',
    summary: 'List the rules, as this replica read them when it started',
    answer: pageOfViews(ruleView),
  })
  async listRules(): Promise<PageView<AlertRuleView>> {
    const items = this.rules.all.map((each) => ruleViewOf(each, this.rules.channelsOf(each.rule.name)));
    return { items, next_cursor: null };
  }

  @Post('test')
  @Roles('admin', 'operator')
  @Documented({
    id: 'testAlerts',
    tag: 'Alerts',
    summary: 'Send a test to the channels, and say what became of it',
    answer: testView,
    errors: ['not_found'],
    idempotency: 'replays',
  })
  async test(@Body({ schema: testBody }) body: TestBody, @CallerParam() caller: Caller): Promise<TestView> {
    const states = await this.alerts.test(caller, defined(body));
    return {
      ok: states.every(({ state }) => state === 'delivered'),
      notifications: states.map(notificationViewOf),
    };
  }

  @Get(':id')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'readAlert',
    tag: 'Alerts',
    summary: 'Read an alert, and who was told of it',
    answer: alertDetailView,
    errors: ['not_found'],
  })
  async read(@Param('id') id: string): Promise<AlertDetailView> {
    const { alert, told } = await this.alerts.get(id);
    return { alert: alertViewOf(alert), notifications: told.map(notificationViewOf) };
  }
}
