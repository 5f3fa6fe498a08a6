from django.db import migrations

FORWARD = """
CREATE FUNCTION orders_timeline_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('everline_timeline', NEW.order_id::text);
    RETURN NULL;
END;
$$;
CREATE TRIGGER orders_timeline_news AFTER INSERT ON orders_timelineentry
    FOR EACH ROW EXECUTE FUNCTION orders_timeline_news();
"""
BACKWARD = """
DROP TRIGGER orders_timeline_news ON orders_timelineentry;
DROP FUNCTION orders_timeline_news();
"""


class Migration(migrations.Migration):
    """Whoever watches an order hears of a new step when its transaction commits."""

    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
