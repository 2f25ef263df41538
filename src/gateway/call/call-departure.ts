import { Injectable } from '@nestjs/common';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import type { Secret } from '../../kernel/secret.js';
import type { InjectedRequest, OutboundRequest, OutboundResponse } from '../destination/outbound-request.js';
import { Outbound } from '../destination/outbound.js';
import { Destinations } from '../destination/vet.js';
import { HeldCredentials } from '../inject/held-credentials.js';
import { Injection } from '../inject/injection.js';
import { Scrubber } from '../scrub/scrubber.js';
import type { OpenCall } from './open-call.js';
import { passOn } from './upload-stream.js';

/** An answer that has begun, and what its body must not show. */
export interface BegunAnswer {
  readonly response: OutboundResponse;
  readonly secrets: readonly Secret[];
}

/** Sends calls that were started: vets the destination, puts the credential in, and lets go. */
@Injectable()
export class CallDeparture {
  constructor(
    private readonly destinations: Destinations,
    private readonly credentials: HeldCredentials,
    private readonly injection: Injection,
    private readonly outbound: Outbound,
    private readonly scrubber: Scrubber,
    private readonly clock: Clock,
  ) {}

  /** Sends one call; rejects with the codes of destination, credential and sending. */
  async send(open: OpenCall): Promise<BegunAnswer> {
    const { call, signal } = open;
    const { spec } = call.tool;
    const request = withEncoding(call.request, spec.response.stream);
    // Before the credential is made: a lease for a request that may not be sent would be one too many.
    await this.destinations.vet(request.url, { internal: spec.internal });
    signal.throwIfAborted();
    const ready = await this.injected(open, request);
    signal.throwIfAborted();
    const injected = this.withUpload(open, ready);
    crashPoint('call.injected');
    const response = await this.outbound.send(injected, {
      internal: spec.internal,
      redirects: spec.redirects,
      ...(spec.ca_file === undefined ? {} : { caFile: spec.ca_file }),
      timeoutMs: spec.timeout_ms,
      signal,
      retries: spec.retries,
      onSent: () => (open.sentMs ??= this.clock.monotonicMs()),
    });
    open.sentMs ??= this.clock.monotonicMs();
    open.status = response.status;
    open.address = response.address;
    return { response, secrets: injected.secrets };
  }

  private withUpload(open: OpenCall, request: InjectedRequest): InjectedRequest {
    if (request.upload === undefined) return request;
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    return { ...request, upload: passOn(open, request.upload, contentType, this.scrubber) };
  }

  private async injected(open: OpenCall, request: OutboundRequest): Promise<InjectedRequest> {
    const { call } = open;
    const { credential, internal, ca_file: caFile } = call.tool.spec;
    if (credential === undefined) return { ...request, secrets: [], clientCertificate: undefined };
    const held = await this.credentials.hold(call.identity, call.stepId, credential.name, call.caller);
    open.leaseId = held.leaseId;
    return this.injection.inject(request, credential.inject, held, this.clock.now(), {
      internal,
      caFile,
    });
  }
}

// A stream has to be read as it comes: compressed, its first words might wait for many more.
function withEncoding(request: OutboundRequest, stream: boolean): OutboundRequest {
  const headers = { ...request.headers, 'accept-encoding': stream ? 'identity' : 'gzip, br' };
  return { ...request, headers };
}
