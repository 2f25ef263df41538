import { CefWriter } from './cef.js';
import type { Compression, ZstdFrames } from './compression.js';
import { CsvWriter } from './csv.js';
import type { ExportWriter } from './export-format.js';
import { JsonlWriter } from './jsonl.js';
import { OcsfWriter } from './ocsf.js';

interface Form {
  readonly contentType: string;
  readonly extension: string;
  /** It compresses its own parts, and stays readable in part. */
  readonly compressesItself?: boolean;
  /** A writer; made anew for each export, and loaded when the first one asks. */
  readonly writer: (compression?: Compression, zstd?: ZstdFrames) => Promise<ExportWriter>;
}

const FORMS = {
  jsonl: {
    contentType: 'application/x-ndjson; charset=utf-8',
    extension: 'jsonl',
    writer: async () => new JsonlWriter(),
  },
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    extension: 'csv',
    writer: async () => new CsvWriter(),
  },
  parquet: {
    contentType: 'application/vnd.apache.parquet',
    extension: 'parquet',
    compressesItself: true,
    writer: async (compression, zstd) =>
      new (await import('./parquet.js')).ParquetExportWriter(compression, zstd),
  },
  ocsf: {
    contentType: 'application/x-ndjson; charset=utf-8',
    extension: 'ocsf.jsonl',
    writer: async () => new OcsfWriter(),
  },
  cef: { contentType: 'text/plain; charset=utf-8', extension: 'cef', writer: async () => new CefWriter() },
} as const satisfies Record<string, Form>;

/** A form of export. */
export type ExportFormat = keyof typeof FORMS;

/** All forms, for validation and documentation. */
export const EXPORT_FORMATS = Object.keys(FORMS) as readonly ExportFormat[];

/** How files of a form, compressed or not, are made and called. */
export interface FileForm {
  readonly format: ExportFormat;
  readonly compression: Compression | undefined;
  /** Whether the file is compressed as a whole. */
  readonly wrapped: boolean;
  readonly contentType: string;
  /** Without a dot in front. */
  readonly extension: string;
  writer(zstd?: ZstdFrames): Promise<ExportWriter>;
}

/** The form with that compression. */
export function fileForm(format: ExportFormat, compression?: Compression): FileForm {
  const form: Form = FORMS[format];
  const wrapped = compression !== undefined && form.compressesItself !== true;
  return {
    format,
    compression,
    wrapped,
    contentType: wrapped ? `application/${compression}` : form.contentType,
    extension: wrapped ? `${form.extension}.${compression === 'gzip' ? 'gz' : 'zst'}` : form.extension,
    writer: (zstd) => form.writer(compression, zstd),
  };
}
