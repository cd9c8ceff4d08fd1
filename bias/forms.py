"""The form of one section of the bias configuration: one field a key, none of them JSON."""

from dataclasses import Field
from types import new_class
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanWidget

from bias.config import StaleBehavior
from bias.config_reading import AnySection, ConfigInvalid, keys_of, section_read, shown
from bias.enums import ConfigSection, MacroClass
from bias.models import BiasConfigSection
from optionsengine.core.admin import WordedForm

_SEPARATOR = "__"


class BiasConfigForm(WordedForm):
    """What is written here is checked as a whole; an emptied number has its default again."""

    section: ConfigSection
    read: AnySection

    class Meta:
        model = BiasConfigSection
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, key in keys_of(self.section).items():
            value = self.instance.values.get(name, key.default)
            if isinstance(key.default, tuple):
                self.initial.update({_box(name, one): one in value for one in MacroClass})
            else:
                self.initial[name] = value

    def clean(self) -> dict[str, Any]:
        """Read the whole section; `read` is what it says.

        :raises ValidationError: never by itself; errors are added to their fields.
        """
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        values: dict[str, Any] = {}
        for name, key in keys_of(self.section).items():
            if isinstance(key.default, tuple):
                values[name] = [one.value for one in MacroClass if cleaned.get(_box(name, one))]
            elif cleaned.get(name) not in (None, ""):
                values[name] = cleaned[name]
        try:
            self.read = section_read(self.section, values)
        except ConfigInvalid as error:
            for name, said in error.faults.items():
                self.add_error(name if name in self.fields else None, said)
        return cleaned


def config_form(section: ConfigSection) -> type[BiasConfigForm]:
    """Return the form of `section`."""
    made: dict[str, Any] = {"section": section, "__module__": __name__}
    for name, key in keys_of(section).items():
        if isinstance(key.default, tuple):
            made |= {_box(name, one): _class_field(one) for one in MacroClass}
        else:
            made[name] = _field(key)
    return new_class(f"{section.label}Form", (BiasConfigForm,), exec_body=lambda body: body.update(made))


def config_fieldsets(section: ConfigSection) -> tuple[Any, ...]:
    """Return how the form is laid out: a group for each list of macro classes, one for the rest."""
    keys = keys_of(section)
    lists = [name for name, key in keys.items() if isinstance(key.default, tuple)]
    rest = tuple(name for name in keys if name not in lists)
    groups = tuple(
        (
            keys[name].metadata["meaning"].removesuffix("."),
            {
                "fields": tuple(_box(name, one) for one in MacroClass),
                "description": f"Default: {shown(keys[name].default)}.",
            },
        )
        for name in lists
    )
    return ((None, {"fields": rest}), *groups, ("Times", {"fields": ("updated_at",)}))


def _box(name: str, macro_class: MacroClass) -> str:
    return f"{name}{_SEPARATOR}{macro_class.name.lower()}"


def _class_field(macro_class: MacroClass) -> forms.BooleanField:
    return forms.BooleanField(required=False, label=macro_class.value, widget=UnfoldBooleanWidget)


def _field(key: "Field[Any]") -> forms.Field:
    label, default = key.name.replace("_", " ").capitalize(), shown(key.default)
    if isinstance(key.default, StaleBehavior):
        return forms.ChoiceField(
            choices=[(one.value, one.value.replace("_", " ")) for one in StaleBehavior],
            widget=UnfoldAdminSelectWidget,
            label=label,
            help_text=f"{key.metadata['meaning']} Default: {default}.",
        )
    low, high = key.metadata["minimum"], key.metadata["maximum"]
    meaning = key.metadata["meaning"].rstrip(".,")
    return forms.FloatField(
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        label=label,
        help_text=f"{meaning}. From {low:g} to {high:g}; empty: the default, {default}.",
    )
