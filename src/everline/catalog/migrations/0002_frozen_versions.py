"""The database refuses to change a plan version, its price, its benefits and its coverage.

Two guards: rows are never updated or deleted; and once a version is (or was) the one on sale, nothing can be
added to it. TRUNCATE stays possible: it empties a table openly, changes no single row, and tests need it.
"""

from django.db import migrations

FROZEN = ("planversion", "price", "benefit", "coverage")
PARTS = ("price", "benefit", "coverage")

REFUSE_CHANGE = """
CREATE FUNCTION catalog_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a plan version is frozen: % on % is refused, publish a new version', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
"""

REFUSE_ADDITION = """
CREATE FUNCTION catalog_refuse_addition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1
        FROM (SELECT DISTINCT version_id FROM added) a
        JOIN catalog_planversion v ON v.id = a.version_id
        JOIN catalog_plan p ON p.id = v.plan_id
        JOIN catalog_planversion c ON c.id = p.current_id
        WHERE c.version >= v.version
    ) THEN
        RAISE EXCEPTION 'a plan version is frozen: nothing is added to % once it is on sale', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
"""


def _frozen(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON catalog_{table} "
        "FOR EACH ROW EXECUTE FUNCTION catalog_refuse_change();"
    )


def _sealed(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_sealed AFTER INSERT ON catalog_{table} REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION catalog_refuse_addition();"
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION catalog_refuse_change();"),
        migrations.RunSQL(REFUSE_ADDITION, "DROP FUNCTION catalog_refuse_addition();"),
        *(migrations.RunSQL(_frozen(t), f"DROP TRIGGER {t}_frozen ON catalog_{t};") for t in FROZEN),
        *(migrations.RunSQL(_sealed(t), f"DROP TRIGGER {t}_sealed ON catalog_{t};") for t in PARTS),
    ]
