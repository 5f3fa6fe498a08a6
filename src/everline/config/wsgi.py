from everline.config.supervisor import deathsig  # isort: skip - first: a worker must not outlive its parent

import os

from django.core.wsgi import get_wsgi_application

deathsig.arm()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "everline.config.settings")

application = get_wsgi_application()
