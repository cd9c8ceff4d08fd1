"""Rows written over the API, checked as a form checks them: by their own validators and constraints, in words."""

from collections.abc import Mapping
from copy import copy
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from rest_framework import serializers

from optionsengine.core.clock import now
from optionsengine.core.models import MutableRow
from optionsengine.core.strict_input import StrictInput

_Row = TypeVar("_Row", bound=MutableRow)
WHOLE_ROW = "non_field_errors"


class WordedSerializer(StrictInput, serializers.ModelSerializer[_Row]):
    """A serializer whose constraint errors are sentences: `messages` maps a constraint's name to what to do."""

    messages: Mapping[str, str] = {}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check the row as it would be.

        :raises serializers.ValidationError: with every fault, in words.
        """
        model: type[Model] = self.Meta.model
        row = model() if self.instance is None else copy(self.instance)
        for name, value in attrs.items():
            setattr(row, name, value)
        try:
            row.full_clean()
        except ValidationError as error:
            raise serializers.ValidationError(
                {
                    WHOLE_ROW if name == "__all__" else name: [self._worded(said) for said in one]
                    for name, one in error.message_dict.items()
                }
            ) from error
        return attrs

    def save(self, **values: Any) -> _Row:
        """Write the row.

        :raises serializers.ValidationError: if another request was faster and its row allows this one no more.
        """
        try:
            with transaction.atomic():
                return super().save(updated_at=now(), **values)
        except IntegrityError as error:
            name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
            if name not in self.messages:
                raise
            raise serializers.ValidationError({WHOLE_ROW: [self._worded(f"“{name}”")]}) from error

    def _worded(self, said: str) -> str:
        for name, sentence in self.messages.items():
            if f"“{name}”" in said:
                return sentence
        return said
