import { z } from 'zod';
import { Secret } from '../kernel/secret.js';

/** A whole number of seconds between two bounds. */
export const seconds = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max);

/** A text that nothing prints. */
export const secret = z
  .string()
  .min(1)
  .transform((value) => Secret.of(value));
