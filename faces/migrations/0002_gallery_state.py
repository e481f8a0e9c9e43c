"""The one row of GalleryState, with an identity of its own in every database."""

from django.db import migrations


def make_state(apps, _schema_editor):
    apps.get_model("faces", "GalleryState").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("faces", "0001_initial")]
    operations = [migrations.RunPython(make_state, migrations.RunPython.noop)]
