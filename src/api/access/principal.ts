import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Caller } from '../../kernel/caller.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { callerOf, type AdminIdentity, type ApiRequest } from '../http/request.js';

function requestOf(context: ExecutionContext): ApiRequest {
  return context.switchToHttp().getRequest<ApiRequest>();
}

/** The caller, as operations and events want it. */
export const CallerParam = createParamDecorator((_: unknown, context: ExecutionContext): Caller =>
  callerOf(requestOf(context)),
);

/** The run that the caller's run token names; only on routes that are `@RunToken()`. */
export const RunParam = createParamDecorator((_: unknown, context: ExecutionContext): RunIdentity => {
  const principal = requestOf(context).circumstances.principal;
  if (principal?.kind !== 'run-token') throw new Error('the route is not one for run tokens');
  return principal.identity;
});

/** The admin that calls; only on routes with `@Roles()`. */
export const AdminParam = createParamDecorator((_: unknown, context: ExecutionContext): AdminIdentity => {
  const principal = requestOf(context).circumstances.principal;
  if (principal?.kind !== 'admin') throw new Error('the route is not one for admins');
  return principal.admin;
});
