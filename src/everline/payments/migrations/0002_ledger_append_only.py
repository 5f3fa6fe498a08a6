from django.db import migrations

#: The database itself keeps the books honest: nothing is changed or removed, and every posting has entries
#: that sum to zero in each currency when its transaction commits.
FORWARD = """
CREATE FUNCTION payments_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER payments_posting_append_only BEFORE UPDATE OR DELETE ON payments_ledgerposting
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_refuse();
CREATE TRIGGER payments_posting_no_truncate BEFORE TRUNCATE ON payments_ledgerposting
    FOR EACH STATEMENT EXECUTE FUNCTION payments_ledger_refuse();
CREATE TRIGGER payments_entry_append_only BEFORE UPDATE OR DELETE ON payments_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION payments_ledger_refuse();
CREATE TRIGGER payments_entry_no_truncate BEFORE TRUNCATE ON payments_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION payments_ledger_refuse();

CREATE FUNCTION payments_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint;
BEGIN
    IF TG_TABLE_NAME = 'payments_ledgerposting' THEN
        wanted := NEW.id;
        IF NOT EXISTS (SELECT 1 FROM payments_ledgerentry WHERE posting_id = wanted) THEN
            RAISE EXCEPTION 'posting % has no entries', wanted USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        wanted := NEW.posting_id;
    END IF;
    IF EXISTS (
        SELECT 1 FROM payments_ledgerentry WHERE posting_id = wanted GROUP BY currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'posting % does not sum to zero', wanted USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER payments_posting_balanced AFTER INSERT ON payments_ledgerposting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();
CREATE CONSTRAINT TRIGGER payments_entry_balanced AFTER INSERT ON payments_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_ledger_balanced();
"""

BACKWARD = """
DROP TRIGGER payments_entry_balanced ON payments_ledgerentry;
DROP TRIGGER payments_posting_balanced ON payments_ledgerposting;
DROP FUNCTION payments_ledger_balanced();
DROP TRIGGER payments_entry_no_truncate ON payments_ledgerentry;
DROP TRIGGER payments_entry_append_only ON payments_ledgerentry;
DROP TRIGGER payments_posting_no_truncate ON payments_ledgerposting;
DROP TRIGGER payments_posting_append_only ON payments_ledgerposting;
DROP FUNCTION payments_ledger_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
