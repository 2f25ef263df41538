import { Injectable } from '@nestjs/common';
import passport, { type Strategy } from 'passport';
import { BrokerError } from '../../kernel/broker-error.js';
import { AdminStrategy } from '../../identity/admin.strategy.js';
import { RunTokenStrategy } from '../../identity/run-token.strategy.js';
import { WorkloadStrategy } from '../../identity/workload.strategy.js';
import type { ApiRequest } from '../http/request.js';

type StrategyName = 'workload' | 'admin' | 'run-token';
type Authenticate = (request: ApiRequest, response: object, next: (error?: unknown) => void) => void;

/**
 * Runs this application's own passport strategies. They are handed to passport as objects, not by name: names are
 * registered once a process, so a second broker in the process would answer for the first.
 */
@Injectable()
export class Strategies {
  private readonly byName: Readonly<Record<StrategyName, object>>;

  constructor(workload: WorkloadStrategy, admin: AdminStrategy, runToken: RunTokenStrategy) {
    this.byName = { workload, admin, 'run-token': runToken };
  }

  /** Who the strategy finds; throws the strategy's own error, or `authentication_required` when it finds nobody. */
  authenticate<T>(name: StrategyName, request: ApiRequest): Promise<T> {
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
