//! Stock: what lies where.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "stock",
    about: "How many of a product lie at a place, are promised, and are on their way there.",
    key: &["product", "place"],
    columns: &[
        Column::always("product", Form::Of("product"), "The product"),
        Column::always("place", Form::Id, "The store, depot or site"),
        Column::always("on_hand", Form::Count, "How many lie there").moving(),
        Column::free("reserved", Form::Count, "How many of them are promised").moving(),
        Column::free("on_order", Form::Count, "How many are on their way there").moving(),
        Column::free("unit_cost", Form::Money, "What one costs"),
        Column::free("currency", Form::Currency, "The cost's currency").with(&["unit_cost"]),
        Column::free("counted_at", Form::Instant, "When that was so").moving(),
    ],
};
