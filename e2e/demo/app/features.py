"""The application's sixteen features, and what a customer gets from each in every state."""

from collections.abc import Mapping
from dataclasses import dataclass

ON = "on"
OFF = "off"


@dataclass(frozen=True)
class Feature:
    """One feature: its flag's name, its title, and its answer in each state it knows."""

    name: str
    title: str
    answers: Mapping[str, str]

    def answer(self, state: str) -> str:
        """What the feature says in a state; a state it does not know counts as off."""
        return self.answers.get(state, self.answers[OFF])


@dataclass(frozen=True)
class Group:
    """Features that belong together on the page."""

    name: str
    features: tuple[Feature, ...]


GROUPS = (
    Group("Inventory", (
        Feature("product_catalogue", "Product catalogue", {
            ON: "412 products, straight from the database.",
            "cached": "412 products, as of the last good copy.",
            OFF: "The catalogue is closed for now.",
        }),
        Feature("stock_levels", "Stock levels", {
            ON: "Stock is counted live in 3 stores.",
            "cached": "Stock as last counted; numbers may be a little old.",
            OFF: "Stock levels are not shown for now.",
        }),
        Feature("stock_reservation", "Stock reservation", {
            ON: "Reservations are confirmed at once.",
            "queued": "Reservations are accepted and confirmed later.",
            OFF: "Reservations are closed for now.",
        }),
        Feature("purchase_orders", "Purchase orders", {
            ON: "Orders go to the supplier at once.",
            "queued": "Orders are accepted and sent later.",
            "readonly": "Orders can be read, not changed.",
            OFF: "Purchase orders are closed for now.",
        }),
    )),
    Group("Analytics", (
        Feature("sales_reports", "Sales reports", {
            ON: "Today's sales, up to the minute.",
            "cached": "Yesterday's report.",
            OFF: "Reports are not available for now.",
        }),
        Feature("demand_forecast", "Demand forecast", {
            ON: "Forecast computed for the next 14 days.",
            "cached": "The last forecast that was computed.",
            OFF: "No forecast for now.",
        }),
        Feature("price_suggestions", "Price suggestions", {
            ON: "7 new suggestions.",
            "cached": "Suggestions from the last run.",
            OFF: "No suggestions for now.",
        }),
        Feature("data_export", "Data export", {
            ON: "Exports start at once.",
            "queued": "Exports are accepted and made later.",
            OFF: "Exports are closed for now.",
        }),
    )),
    Group("Integrations", (
        Feature("ai_assistant", "AI assistant", {
            ON: "Ask me anything about your stock.",
            "cached": "Only prepared answers for now.",
            OFF: "The assistant is away.",
        }),
        Feature("invoice_ocr", "Invoice reading", {
            ON: "Invoices are read as you upload them.",
            "queued": "Invoices are kept and read later.",
            OFF: "Please type invoices in by hand.",
        }),
        Feature("supplier_sync", "Supplier sync", {
            ON: "Suppliers are in step, every minute.",
            "queued": "Changes are kept and sent later.",
            OFF: "Supplier sync is paused.",
        }),
        Feature("notifications", "Notifications", {
            ON: "Alerts arrive at once.",
            "queued": "Alerts are kept and sent later.",
            OFF: "No alerts for now.",
        }),
    )),
    Group("Performance", (
        Feature("full_text_search", "Full-text search", {
            ON: "Search looks at names and descriptions.",
            "basic": "Search looks at product codes only.",
            OFF: "Search is closed for now.",
        }),
        Feature("response_cache", "Response cache", {
            ON: "Answers are shared between all servers.",
            "local": "Every server keeps its own answers.",
            OFF: "Every answer is computed anew.",
        }),
        Feature("image_thumbnails", "Image thumbnails", {
            ON: "Pictures are sized to your screen.",
            "placeholder": "Grey boxes instead of pictures.",
            OFF: "No pictures for now.",
        }),
        Feature("live_updates", "Live updates", {
            ON: "Changes appear as they happen.",
            "polling": "Changes appear every half minute.",
            OFF: "Reload the page to see changes.",
        }),
    )),
)  # fmt: skip

FEATURES: Mapping[str, Feature] = {
    feature.name: feature for group in GROUPS for feature in group.features
}
