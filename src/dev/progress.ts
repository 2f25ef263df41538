/** Told what a long step is doing; each line replaces the one before. */
export type Progress = (line: string) => void;
