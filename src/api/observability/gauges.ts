import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { AuditQuery } from '../../audit/audit-query.js';
import { LeaseMetrics } from '../../lease/lease-metrics.js';
import { Clocks } from '../../lease/reconcile/clocks.js';
import { SchedulerStatus } from '../../scheduler/scheduler-status.js';
import { ScheduleStates } from '../../export/schedule/schedule-states.js';
import { SinkStates } from '../../sink/sink-states.js';
import { Metrics } from './metrics.js';

/**
 * What is read from the database when Prometheus asks. When the database does not answer, the numbers are left out
 * and `leasegate_database_up` is 0: an old number would look like a good one.
 */
@Injectable()
export class Gauges {
  private readonly gauges: Gauge[] = [];
  private readonly labelled = new Set<Gauge>();
  private readonly databaseUp: Gauge;
  private readonly leases: Gauge;
  private readonly revocationLag: Gauge;
  private readonly stuck: Gauge;
  private readonly leftAlone: Gauge;
  private readonly backlog: Gauge;
  private readonly backlogAge: Gauge;
  private readonly clockSkew: Gauge;
  private readonly sinkLag: Gauge;
  private readonly sinkBacklog: Gauge;
  private readonly deadLetters: Gauge;
  private readonly exportOverdue: Gauge;
  private readonly exportFailures: Gauge;
  private readonly jobRuns: Gauge;
  private readonly jobFailures: Gauge;
  private readonly jobOverdue: Gauge;

  constructor(
    private readonly metrics: Metrics,
    private readonly leaseMetrics: LeaseMetrics,
    private readonly audit: AuditQuery,
    private readonly scheduler: SchedulerStatus,
    private readonly sinks: SinkStates,
    private readonly schedules: ScheduleStates,
    private readonly clocks: Clocks,
  ) {
    this.databaseUp = this.gauge('database_up', 'Whether the database answered this scrape.');
    this.leases = this.gauge('leases', 'Leases that have not ended, by state.', ['state']);
    this.revocationLag = this.gauge(
      'revocation_lag_seconds',
      'How late the oldest end is that is due and not proved, by mount; none where nothing is due.',
      ['mount'],
    );
    this.stuck = this.gauge('stuck_leases', 'Leases whose revocation is stuck, by mount.', ['mount']);
    this.leftAlone = this.gauge(
      'revocation_breaker_open',
      'Mounts that this replica does not revoke at for the moment.',
      ['mount'],
    );
    this.backlog = this.gauge('audit_backlog_events', 'Events that wait to be sequenced.');
    this.backlogAge = this.gauge('audit_backlog_age_seconds', 'Age of the oldest event that waits.');
    this.clockSkew = this.gauge(
      'clock_skew_seconds',
      "How far a clock is ahead of this replica's, when it was last looked at.",
      ['of'],
    );
    this.sinkLag = this.gauge(
      'sink_lag_seconds',
      'Age of the first entry of the log that a sink was not sent; 0 when there is none.',
      ['sink'],
    );
    this.sinkBacklog = this.gauge('sink_lag_events', 'Entries of the log that a sink was not sent.', [
      'sink',
    ]);
    this.deadLetters = this.gauge('sink_dead_letters', 'Events that a sink would not take.', ['sink']);
    this.exportOverdue = this.gauge(
      'scheduled_export_overdue_seconds',
      'How late a scheduled export is, failures included; 0 when it is not due.',
      ['export'],
    );
    this.exportFailures = this.gauge(
      'scheduled_export_failures',
      'Failures in a row of a scheduled export.',
      ['export'],
    );
    this.jobRuns = this.gauge('job_runs', 'Runs of a job since it was first registered.', ['job']);
    this.jobFailures = this.gauge('job_failures', 'Failed runs of a job.', ['job']);
    this.jobOverdue = this.gauge(
      'job_overdue_seconds',
      'How long a job has been due without anybody at work on it.',
      ['job'],
    );
  }

  /** Reads the numbers afresh. Never throws. */
  async refresh(): Promise<void> {
    for (const gauge of this.gauges) {
      gauge.reset();
      // A gauge without labels reads 0 after a reset, which would be a lie.
      if (!this.labelled.has(gauge)) gauge.remove();
    }
    for (const [of, skewMs] of Object.entries(this.clocks.last)) {
      if (skewMs !== null) this.clockSkew.set({ of }, skewMs / 1_000);
    }
    try {
      await Promise.all([
        this.readLeases(),
        this.readBacklog(),
        this.readJobs(),
        this.readSinks(),
        this.readExports(),
      ]);
      this.databaseUp.set(1);
    } catch {
      this.databaseUp.set(0);
    }
  }

  private async readLeases(): Promise<void> {
    const [counts, lags, stuck] = await Promise.all([
      this.leaseMetrics.countsByState(),
      this.leaseMetrics.revocationLags(),
      this.leaseMetrics.stuckByMount(),
    ]);
    for (const [state, count] of Object.entries(counts)) this.leases.set({ state }, count);
    for (const { mount, lagSeconds } of lags) this.revocationLag.set({ mount }, lagSeconds);
    for (const { mount, count } of stuck) this.stuck.set({ mount }, count);
    for (const mount of this.leaseMetrics.mountsLeftAlone()) this.leftAlone.set({ mount }, 1);
  }

  private async readBacklog(): Promise<void> {
    const { count, oldestAgeSeconds } = await this.audit.backlog();
    this.backlog.set(count);
    this.backlogAge.set(oldestAgeSeconds);
  }

  private async readJobs(): Promise<void> {
    for (const { name: job, runs, failures, overdueSeconds } of await this.scheduler.shared()) {
      this.jobRuns.set({ job }, runs);
      this.jobFailures.set({ job }, failures);
      this.jobOverdue.set({ job }, overdueSeconds);
    }
  }

  private async readSinks(): Promise<void> {
    for (const { name: sink, configured, lagSeconds, lagEvents, deadLetters } of await this.sinks.all()) {
      this.deadLetters.set({ sink }, deadLetters);
      // One that the settings do not have any more falls behind for ever, and nobody minds.
      if (!configured) continue;
      this.sinkLag.set({ sink }, lagSeconds);
      this.sinkBacklog.set({ sink }, lagEvents);
    }
  }

  private async readExports(): Promise<void> {
    for (const { name, configured, overdueSeconds, attempts } of await this.schedules.all()) {
      if (!configured) continue;
      this.exportOverdue.set({ export: name }, overdueSeconds);
      this.exportFailures.set({ export: name }, attempts);
    }
  }

  private gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    const registers = [this.metrics.registry];
    const gauge = new Gauge({ name: `leasegate_${name}`, help, labelNames, registers });
    this.gauges.push(gauge);
    if (labelNames.length > 0) this.labelled.add(gauge);
    return gauge;
  }
}
