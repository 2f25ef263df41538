import { Injectable } from '@nestjs/common';
import passport, { type Strategy } from 'passport';
import { BrokerError } from '../../kernel/broker-error.js';
import { AdminStrategy } from '../../identity/admin.strategy.js';
import { WorkloadStrategy } from '../../identity/workload.strategy.js';
import type { ApiRequest } from '../http/request.js';

type Authenticate = (request: ApiRequest, response: object, next: (error?: unknown) => void) => void;

/**
 * Runs this application's own passport strategies. They are handed to passport as objects, not by name: names are
 * registered once a process, so a second broker in the process would answer for the first. Run tokens have none: they
 * come with each call, and passport takes longer than checking one.
 */
@Injectable()
export class Strategies {
  private readonly byName: Readonly<Record<'workload' | 'admin', object>>;

  constructor(workload: WorkloadStrategy, admin: AdminStrategy) {
    this.byName = { workload, admin };
  }

  /** Who the strategy finds; throws the strategy's own error, or `authentication_required` when it finds nobody. */
  authenticate<T>(name: 'workload' | 'admin', request: ApiRequest): Promise<T> {
    // Passport hangs its callbacks on the strategy, so each request needs an object of its own.
    const strategy = Object.create(this.byName[name]) as Strategy;
    return new Promise<T>((resolve, reject) => {
      const finish = (error: unknown, user?: unknown): void => {
        if (error) reject(error instanceof Error ? error : new Error('a strategy failed without an error'));
        else if (user === undefined || user === null || user === false)
          reject(new BrokerError('authentication_required'));
        else resolve(user as T);
      };
      const authenticate = passport.authenticate(strategy, { session: false }, finish) as Authenticate;
      authenticate(request, {}, (error) => finish(error));
    });
  }
}
