"""Who a portal session belongs to, for Django's `auth`."""

from django.contrib.auth.backends import ModelBackend

from everline.accounts.models import User


class CustomerBackend(ModelBackend):
    """Loads the user with customer and brand in one statement: pages of a customer ask for all three."""

    def get_user(self, user_id: int) -> User | None:
        """The user, unless there is none or it is blocked."""
        user = User.objects.select_related("customer__brand").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
