from django.db import migrations


class Migration(migrations.Migration):
    """No two living base periods of one line overlap.

    Checked at commit: when a queued period is refunded, those behind it move up in one statement, row by row.
    The line stands as a range because equality on numbers in GiST would need an extension.
    """

    dependencies = [("usage", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql="""
            ALTER TABLE usage_period ADD CONSTRAINT period_base_never_overlaps
            EXCLUDE USING gist (
                int8range(line_id, line_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&
            )
            WHERE (kind = 'base' AND starts_at IS NOT NULL AND state NOT IN ('revoked', 'lapsed'))
            DEFERRABLE INITIALLY DEFERRED
            """,
            reverse_sql="ALTER TABLE usage_period DROP CONSTRAINT period_base_never_overlaps",
        )
    ]
