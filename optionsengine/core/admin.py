"""What every admin page shares: ledgers that can only be read, cheap pages, badges, confirmation of acts."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from optionsengine.core.canonical import canonical_json
from optionsengine.core.clock import now

if TYPE_CHECKING:
    StyledAdmin = admin.ModelAdmin[Any]
    ModelForm = forms.ModelForm[Any]
else:
    from django.forms import ModelForm
    from unfold.admin import ModelAdmin as StyledAdmin

from unfold.paginator import InfinitePaginator

Shown = TypeVar("Shown", bound=Callable[..., Any])

GOOD, BAD, WAITING, NOTED = "success", "danger", "warning", "info"


def badge(description: str, colours: Mapping[str, str] | bool = True) -> Callable[[Shown], Shown]:
    """Show what the method returns as a label, coloured by value where `colours` names it."""

    def decorate(method: Shown) -> Shown:
        method.short_description = description  # type: ignore[attr-defined]  # Django reads attributes of functions
        method.label = dict(colours) if isinstance(colours, Mapping) else colours  # type: ignore[attr-defined]
        return method

    return decorate


def json_shown(value: Any) -> SafeString:
    """Print a value as JSON over several lines."""
    plain = json.loads(canonical_json(value))
    return format_html('<pre class="oe-json">{}</pre>', json.dumps(plain, indent=2, ensure_ascii=False))


def json_block(field: str) -> Callable[[Any], SafeString]:
    """Return a read-only column that prints a JSON field over several lines."""

    @admin.display(description=field.replace("_", " "))
    def shown(row: Any) -> SafeString:
        return json_shown(getattr(row, field))

    return shown


class PageAdmin(StyledAdmin):
    """A page that counts nothing it need not: no full counts, newest first, bounded pages."""

    list_per_page = 50
    list_fullwidth = True
    show_full_result_count = False
    ordering: ClassVar[Any] = ("-created_at",)
    # what a pasted search matches exactly, so that an index serves it; an id is always found
    exact_search: tuple[str, ...] = ()

    class Media:
        css = {"all": ("console/console.css",)}

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(self.search_fields) or self.exact_search

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Find by id, or by one of `exact_search` as typed or in capitals (symbols are stored so)."""
        term = search_term.strip()
        if not term or not self.exact_search:
            return super().get_search_results(request, queryset, search_term)
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            wanted = models.Q()
            for field in self.exact_search:
                wanted |= models.Q(**{f"{field}__in": {term, term.upper()}})
            return queryset.filter(wanted), False


class LedgerAdmin(PageAdmin):
    """What happened: it can be looked at and never added to, changed or deleted."""

    paginator = InfinitePaginator
    actions = None
    list_disable_select_all = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Every column, also those no form may edit; JSON over several lines, raw bytes left out."""
        columns: list[Any] = []
        for field in self.model._meta.concrete_fields:
            if isinstance(field, models.JSONField):
                columns.append(json_block(field.name))
            elif not isinstance(field, models.BinaryField):
                columns.append(field.name)
        return columns

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        return self.get_fields(request, obj)


class WordedForm(ModelForm):
    """A form whose constraint errors are sentences: `messages` maps a constraint's name to what to do about it."""

    messages: Mapping[str, str] = {}

    def add_error(self, field: str | None, error: Any) -> None:
        if isinstance(error, ValidationError) and field is None and not hasattr(error, "error_dict"):
            error = ValidationError([self._worded(one) for one in error.error_list])
        elif isinstance(error, ValidationError) and hasattr(error, "error_dict"):
            error = ValidationError(
                {name: [self._worded(one) for one in raised] for name, raised in error.error_dict.items()}
            )
        super().add_error(field, error)

    def _worded(self, error: ValidationError) -> ValidationError:
        said = error.messages[0]
        for name, sentence in self.messages.items():
            if f"“{name}”" in said:
                return ValidationError(sentence, code=name)
        return error


class EditAdmin(PageAdmin):
    """A page to edit by; give it a `WordedForm`, so that the row's own constraints answer in words."""

    readonly_fields: ClassVar[Any] = ("created_at", "updated_at")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.updated_at = now()
        super().save_model(request, obj, form, change)
