"""Orders and trades as the API shows them. Prices are per share in dollars, as strings."""

from rest_framework import serializers

from orders.models import Order, OrderEvent, Trade


class OrderSerializer(serializers.ModelSerializer[Order]):
    class Meta:
        model = Order
        fields = (
            "id",
            "created_at",
            "updated_at",
            "client_order_id",
            "signal",
            "recommendation",
            "entry_order",
            "exit_signal",
            "engine",
            "mode",
            "is_test",
            "intent",
            "action",
            "order_type",
            "underlying",
            "expiration",
            "right",
            "strike",
            "option_symbol",
            "occ_symbol",
            "limit_price",
            "quantity",
            "filled_quantity",
            "average_price",
            "status",
            "reason",
            "exit_reason",
            "expires_at",
            "finished_at",
        )
        read_only_fields = fields


class OrderEventSerializer(serializers.ModelSerializer[OrderEvent]):
    class Meta:
        model = OrderEvent
        fields = ("id", "created_at", "from_status", "to_status", "reason", "message", "actor")
        read_only_fields = fields


class TradeSerializer(serializers.ModelSerializer[Trade]):
    """One execution. `price_source` names the provider of the quote: `simulated` prices are not the market's."""

    option_symbol = serializers.CharField(source="order.option_symbol", read_only=True)

    class Meta:
        model = Trade
        fields = (
            "id",
            "created_at",
            "order",
            "option_symbol",
            "broker",
            "execution_id",
            "quantity",
            "price",
            "commission",
            "bid",
            "ask",
            "quote_at",
            "price_source",
        )
        read_only_fields = fields
