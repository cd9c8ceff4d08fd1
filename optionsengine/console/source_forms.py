"""The forms of a webhook source: itself, its rotation, a test alert."""

from datetime import timedelta
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from optionsengine.console.source_guide import TRADINGVIEW_ADDRESSES
from optionsengine.core.admin import WordedForm
from signals.authentication import address_read, network_read, token_hash
from signals.enums import SourceMode
from signals.models import WebhookSource
from signals.secret_reading import MAX_LENGTH, secret_read
from signals.selectors import token_is_taken

MAX_NETWORKS = 50


def networks_read(text: str) -> list[str]:
    """Return addresses and networks, one a line or by commas, each once and in its usual spelling.

    :raises forms.ValidationError: naming every one that cannot be.
    """
    found: dict[str, None] = {}
    faults = []
    for written in text.replace(",", " ").split():
        try:
            network = network_read(written)
        except ValueError:
            faults.append(f"{written} is neither an address nor a network: write 52.89.214.238 or 10.0.0.0/24.")
            continue
        address = written.partition("/")[0]
        if network.prefixlen == 0:
            faults.append(f"{written} is every address: leave the list empty to allow any.")
        elif address_read(address) != network.network_address:
            faults.append(f"{written} is an address inside a network: write {network} for all of it, or {address}.")
        else:
            single = network.prefixlen == network.max_prefixlen
            found[str(network.network_address) if single else str(network)] = None
    if len(found) > MAX_NETWORKS:
        faults.append(f"Give at most {MAX_NETWORKS}; name networks instead of single addresses.")
    if faults:
        raise forms.ValidationError(faults)
    return list(found)


def own_secret_read(mode: str, text: str) -> str:
    """Return a dictated secret as it is stored, or an empty text where none is given.

    :raises forms.ValidationError: saying what it must be.
    """
    if not text.strip() or mode not in SourceMode.values:
        return ""
    try:
        secret = secret_read(SourceMode(mode), text)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from error
    if mode == SourceMode.TOKEN and token_is_taken(token_hash(secret)):
        raise forms.ValidationError("This token is or was in use. Give another one, or leave it empty for a fresh one.")
    return secret


def _own_secret_field(widget: forms.Widget) -> forms.CharField:
    return forms.CharField(
        required=False,
        strip=True,
        max_length=MAX_LENGTH,
        widget=widget,
        label="Secret the sender dictates",
        help_text="Only if the sender gives you one. Empty: a fresh one of 256 bits is made and shown once.",
    )


class WebhookSourceForm(WordedForm):
    messages = {
        "webhook_sources_one_default": "Another source is the default, and only one may be. Clear that one first.",
    }
    tradingview_addresses = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanWidget,
        label="TradingView's addresses",
        help_text=f"Allow {', '.join(TRADINGVIEW_ADDRESSES)}.",
    )
    allowed_networks = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        label="Other allowed addresses",
        help_text="Addresses or networks that may send, one a line. With none here and none above, any address may.",
    )
    own_secret = _own_secret_field(UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))

    class Meta:
        model = WebhookSource
        fields = (
            "slug",
            "name",
            "mode",
            "requires_timestamp",
            "allowed_networks",
            "reads_id",
            "ids_only",
            "is_enabled",
            "is_default",
        )
        error_messages = {"slug": {"unique": "Another source has this slug. Choose another."}}
        labels = {"requires_timestamp": "Signs the time", "reads_id": "Reads the field id", "ids_only": "Ids only"}
        help_texts = {
            "slug": "Names the source: it may post to /webhook/s/ followed by this.",
            "mode": "A token for TradingView, which can send no header; the others for whoever can sign.",
            "requires_timestamp": "HMAC only: the signature covers the header x-webhook-timestamp, a dot and the body.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = list(self.instance.allowed_networks)
        has_preset = set(TRADINGVIEW_ADDRESSES) <= set(stored)
        others = [one for one in stored if not (has_preset and one in TRADINGVIEW_ADDRESSES)]
        self.initial["tradingview_addresses"] = has_preset
        self.initial["allowed_networks"] = "\n".join(others)

    def clean_allowed_networks(self) -> list[str]:
        return networks_read(self.cleaned_data["allowed_networks"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        mode = cleaned.get("mode") or self.instance.mode
        if cleaned.get("requires_timestamp") and mode != SourceMode.HMAC:
            self.add_error("requires_timestamp", "Only a source of mode HMAC signs it so. Clear this.")
        if cleaned.get("tradingview_addresses") and "allowed_networks" in cleaned:
            cleaned["allowed_networks"] = list(dict.fromkeys([*TRADINGVIEW_ADDRESSES, *cleaned["allowed_networks"]]))
        if self.instance._state.adding:
            try:
                cleaned["own_secret"] = own_secret_read(mode, cleaned.get("own_secret", ""))
            except forms.ValidationError as error:
                self.add_error("own_secret", error)
        return cleaned


class RotateForm(forms.Form):
    """How long the older secrets go on holding beside the new one."""

    OVERLAPS = (("24", "24 hours"), ("1", "1 hour"), ("168", "7 days"), ("0", "none: they end at once"))

    overlap = forms.ChoiceField(choices=OVERLAPS, label="The older ones hold on for")
    own_secret = _own_secret_field(forms.TextInput(attrs={"autocomplete": "off"}))
    newest = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, mode: str, newest: str, **kwargs: Any) -> None:
        self.mode, self.now_newest = mode, newest
        super().__init__(*args, **kwargs)
        self.fields["newest"].initial = newest

    def clean_overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["overlap"]))

    def clean_own_secret(self) -> str:
        return own_secret_read(self.mode, self.cleaned_data["own_secret"])

    def clean(self) -> None:
        """Refuse a page that is sent a second time, by a reload say: it would rotate away what it has just made."""
        if self.cleaned_data.get("newest") != self.now_newest:
            raise forms.ValidationError("A new one has been made since this page was opened; open it again to rotate.")


class TrialForm(forms.Form):
    """A test alert; `token` for a token source only, whose token is stored nowhere."""

    symbol = forms.CharField(max_length=16, initial="SPY")
    direction = forms.ChoiceField(choices=(("long", "long"), ("short", "short")))
    token = forms.CharField(
        max_length=MAX_LENGTH, widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, mode: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if mode != SourceMode.TOKEN:
            del self.fields["token"]
