import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tools of the gateway: a head row that says what is current, and one immutable row per version. */
export class Tools1700000001000 implements MigrationInterface {
  name = 'Tools1700000001000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  `CREATE TABLE tools (
     name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,62}$'),
     version integer NOT NULL CHECK (version > 0),
     enabled boolean NOT NULL DEFAULT true,
     labels jsonb NOT NULL DEFAULT '{}',
     created_at timestamptz NOT NULL,
     created_by text NOT NULL,
     updated_at timestamptz NOT NULL
   )`,
  `CREATE TABLE tool_versions (
     tool text NOT NULL REFERENCES tools,
     version integer NOT NULL CHECK (version > 0),
     spec jsonb NOT NULL,
     created_at timestamptz NOT NULL,
     created_by text NOT NULL,
     PRIMARY KEY (tool, version),
     CHECK (spec->>'name' = tool)
   )`,
  // Deferred, because head and first version are written one after the other.
  `ALTER TABLE tools ADD FOREIGN KEY (name, version) REFERENCES tool_versions (tool, version) DEFERRABLE INITIALLY DEFERRED`,
  // A head that went back would make an old version current under a number that grants and calls have seen.
  `CREATE FUNCTION tool_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF NEW.name <> OLD.name OR NEW.version NOT IN (OLD.version, OLD.version + 1) THEN
       RAISE EXCEPTION 'a tool keeps its name and goes forward by one version' USING ERRCODE = 'check_violation';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER tools_forward BEFORE UPDATE ON tools FOR EACH ROW EXECUTE FUNCTION tool_head_forward()`,
  `CREATE TRIGGER tools_kept BEFORE DELETE ON tools FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER tool_versions_immutable BEFORE UPDATE OR DELETE ON tool_versions FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
];

const DOWN = `
  ALTER TABLE tools DROP CONSTRAINT tools_name_version_fkey;
  DROP TABLE tool_versions, tools;
  DROP FUNCTION tool_head_forward();
`;
