"""What a person sends to change something: a field that does not exist is an error, not a wish that nobody grants."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers


class StrictInput(serializers.Serializer[Any]):
    """A serializer that refuses what it does not know. Fields that are only read may be sent back, unheeded."""

    def to_internal_value(self, data: Any) -> Any:
        """Read the body.

        :raises serializers.ValidationError: naming each unknown field, with what may be meant.
        """
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({str(name): [self._unknown(str(name))] for name in unknown})
        return super().to_internal_value(data)

    def _unknown(self, name: str) -> str:
        known = [field for field, kind in self.fields.items() if not kind.read_only]
        near = get_close_matches(name, known, n=1)
        told = f"did you mean {near[0]}?" if near else f"send {', '.join(known)}."
        return f"There is no such field; {told}"
