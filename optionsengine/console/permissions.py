"""Roles: viewer reads, operator acts, admin does everything. A role is a Django group of that name."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from rest_framework.permissions import SAFE_METHODS, BasePermission

if TYPE_CHECKING:  # the framework imports this module while it builds these two
    from rest_framework.request import Request
    from rest_framework.views import APIView


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


READERS = frozenset(Role)
ACTORS = frozenset({Role.OPERATOR, Role.ADMIN})

OUR_APPS = ("ops", "signals", "bias", "experiments", "orders", "positions", "django_q")
# on a ledger, permission to change means permission to act: run again, replay, reject, close
OPERATOR_MAY = (
    "signals.change_signal",
    "signals.change_webhookevent",
    "positions.change_position",
    "positions.add_exitrule",
    "positions.change_exitrule",
    "positions.delete_exitrule",
    "experiments.change_approval",
    "experiments.add_risklimit",
    "experiments.change_risklimit",
    "experiments.delete_risklimit",
    "bias.change_biasconfigsection",
    "ops.add_tradingstate",
    "ops.change_tradingstate",
    "ops.change_featureflag",
)


class RolePermission(BasePermission):
    """Reading needs any role, everything else operator or admin; a superuser may do all."""

    message = "Ask an admin to put you into the group viewer (to read) or operator (to act)."

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        return _has_role(request, READERS if request.method in SAFE_METHODS else ACTORS)


class ReaderPermission(RolePermission):
    """Any role, whatever the method: for a POST that changes nothing."""

    def has_permission(self, request: "Request", view: "APIView") -> bool:
        return _has_role(request, READERS)


def _has_role(request: "Request", roles: frozenset[Role]) -> bool:
    user = request.user
    if not (user.is_authenticated and user.is_active):
        return False
    return user.is_superuser or user.groups.filter(name__in=roles).exists()


def roles_sync(**_: Any) -> None:
    """Make the three groups and give each its permissions; runs after every migration and may run any number of times.

    What a person added to a group stays; what the code grants is put back.
    """
    ours = Permission.objects.filter(content_type__app_label__in=OUR_APPS)
    views = ours.filter(codename__startswith="view_")
    acts = Permission.objects.none()
    for name in OPERATOR_MAY:
        app, codename = name.split(".")
        acts |= Permission.objects.filter(content_type__app_label=app, codename=codename)
    everything = Permission.objects.filter(Q(content_type__app_label__in=OUR_APPS) | Q(content_type__app_label="auth"))
    for role, granted in ((Role.VIEWER, views), (Role.OPERATOR, views | acts), (Role.ADMIN, everything)):
        group, _created = Group.objects.get_or_create(name=role)
        group.permissions.add(*granted.distinct())
