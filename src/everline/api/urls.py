from django.urls import path

from everline.api import sandbox_hooks

urlpatterns = [
    path("healthz", sandbox_hooks.health),
    path("_sandbox/clock", sandbox_hooks.move_clock),
    path("_sandbox/drain", sandbox_hooks.drain),
]
