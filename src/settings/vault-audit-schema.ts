import { z } from 'zod';

const device = z
  .string()
  .regex(/^[\w-]{1,128}$/, 'is not the path of an audit device')
  .describe('path of the audit device at Vault (`vault audit list`), by whose salt values are matched');
const node = z
  .string()
  .regex(/^[\w.-]{0,128}$/, 'is not a name of a machine')
  .default('')
  .describe('tells machines apart that each have a file at this path');

/** Where Vault's own account of what was done comes from. */
export const vaultAuditSchema = z
  .strictObject({
    file: z
      .strictObject({ device, path: z.string().min(1).describe('the file that the device writes'), node })
      .optional()
      .describe('follows the file of a file device; nothing is lost, also over rotation'),
    listen: z
      .strictObject({
        device,
        host: z
          .string()
          .default('127.0.0.1')
          .describe('address to listen on; whoever reaches it is believed'),
        port: z.number().int().min(0).max(65_535).describe('port that the socket device sends to'),
        keepLines: z
          .number()
          .int()
          .min(100)
          .max(1_000_000)
          .default(20_000)
          .describe('lines that wait at most; more are dropped and counted, since Vault must not wait'),
      })
      .optional()
      .describe('takes the lines of a socket device (TCP)'),
    groupSeconds: z
      .number()
      .int()
      .min(1)
      .max(3_600)
      .default(60)
      .describe('uses of one lease at one path within this time are one event'),
  })
  .prefault({});

/** Logs of databases that credentials are for. */
export const targetLogsSchema = z
  .array(
    z.strictObject({
      mount: z.string().min(1).describe('the database engine whose users log in there'),
      file: z.string().min(1).describe('PostgreSQL log with log_connections: stderr, csvlog or jsonlog'),
      node,
    }),
  )
  .default([])
  .describe('logs that say when the account of a lease logged in, and from where');

/** The audit device that a log is of when nobody says. */
export function usualDevice(audit: z.output<typeof vaultAuditSchema>): string | undefined {
  return audit.file?.device ?? audit.listen?.device;
}

/** Every audit device that values are hashed by. */
export function auditDevices(audit: z.output<typeof vaultAuditSchema>): readonly string[] {
  return [...new Set([audit.file?.device, audit.listen?.device].filter((name) => name !== undefined))];
}
