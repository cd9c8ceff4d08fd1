"""People in their roles."""

import itertools
from typing import Any

from django.contrib.auth.models import Group, User

PASSWORD = "a-long-password-of-a-test"
_numbers = itertools.count(1)


def person(role: str = "", **values: Any) -> User:
    """A staff user in the group `role`, or in none."""
    user = User.objects.create_user(f"person-{next(_numbers)}", password=PASSWORD, is_staff=True, **values)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def viewer() -> User:
    return person("viewer")


def operator() -> User:
    return person("operator")


def superuser() -> User:
    return User.objects.create_superuser(f"root-{next(_numbers)}", password=PASSWORD)
