"""Orders and trades over the API, to read."""

from rest_framework.viewsets import ReadOnlyModelViewSet

from orders.filters import OrderFilter, TradeFilter
from orders.models import Order, Trade
from orders.serializers import OrderSerializer, TradeSerializer


class OrderViewSet(ReadOnlyModelViewSet[Order]):
    """Entry and exit orders of both engines, newest first."""

    queryset = Order.objects.all()
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    ordering_fields = ("created_at",)
    ordering = ("-created_at",)


class TradeViewSet(ReadOnlyModelViewSet[Trade]):
    """Executions, newest first."""

    queryset = Trade.objects.select_related("order")
    serializer_class = TradeSerializer
    filterset_class = TradeFilter
    ordering_fields = ("created_at",)
    ordering = ("-created_at",)
