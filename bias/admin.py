"""The bias of each symbol, to read; its configuration, to edit."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from bias.config_reading import keys_of, section_plain
from bias.data import BiasState
from bias.enums import ConfigSection
from bias.forms import BiasConfigForm, config_fieldsets, config_form
from bias.models import BiasConfigSection, BiasStateCurrent, BiasStateHistory, GammaSnapshot
from bias.selectors import state_meaning
from bias.services import bias_config_set
from optionsengine.core.admin import BAD, GOOD, NOTED, WAITING, EditAdmin, LedgerAdmin, badge, json_shown
from optionsengine.core.clock import now


@admin.register(BiasStateCurrent)
class BiasStateCurrentAdmin(LedgerAdmin):
    list_display = ("symbol", "shown_origin", "shown_bias", "bias_score", "event_type", "event_at", "updated_at")
    list_filter = ("origin", "bias")
    ordering = ("symbol", "origin")
    exact_search = ("symbol",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["shown_now", *super().get_fields(request, obj)]

    @admin.display(description="what it means now")
    def shown_now(self, row: BiasStateCurrent) -> SafeString:
        """Under the configuration in force, with its gamma; the stored `state` says what it meant to its event."""
        return json_shown(state_meaning(BiasState.model_validate(row.state), now()))

    @badge("origin", {"webhook": NOTED, "computed": WAITING})
    def shown_origin(self, row: BiasStateCurrent) -> str:
        return row.origin

    @badge("bias", {"BULLISH": GOOD, "BEARISH": BAD})
    def shown_bias(self, row: BiasStateCurrent) -> str:
        return row.bias


@admin.register(BiasStateHistory)
class BiasStateHistoryAdmin(LedgerAdmin):
    list_display = ("created_at", "symbol", "event_type", "event_at", "is_applied")
    list_filter = ("is_applied",)
    list_select_related = ("event",)
    exact_search = ("symbol",)


@admin.register(GammaSnapshot)
class GammaSnapshotAdmin(LedgerAdmin):
    list_display = ("created_at", "symbol", "shown_environment", "magnitude", "net_gex", "flip_level", "as_of_at")
    list_filter = ("environment", "magnitude")
    list_select_related = ("event",)
    exact_search = ("symbol",)

    @badge("environment", {"POSITIVE": GOOD, "NEGATIVE": BAD})
    def shown_environment(self, row: GammaSnapshot) -> str:
        return row.environment


@admin.register(BiasConfigSection)
class BiasConfigSectionAdmin(EditAdmin):
    """One row a section, made with the table; saving it goes through the service that checks it."""

    list_display = ("shown_name", "shown_changes", "updated_at")
    ordering = ("name",)
    readonly_fields = ("updated_at",)

    @admin.display(description="section", ordering="name")
    def shown_name(self, row: BiasConfigSection) -> str:
        return row.get_name_display()

    @admin.display(description="other than the default")
    def shown_changes(self, row: BiasConfigSection) -> str:
        return ", ".join(
            f"{name} {row.values[name]}" for name in keys_of(ConfigSection(row.name)) if name in row.values
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: BiasConfigSection | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return config_form(ConfigSection(obj.name))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return config_fieldsets(ConfigSection(obj.name))

    def save_model(self, request: HttpRequest, obj: Any, form: BiasConfigForm, change: bool) -> None:
        bias_config_set(section=ConfigSection(obj.name), values=section_plain(form.read), at=now())
