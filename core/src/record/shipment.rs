//! Shipments: what is on its way.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "shipment",
    about: "A product on its way from one place to another.",
    key: &["id", "product"],
    columns: &[
        Column::always("id", Form::Id, "The shipment's number"),
        Column::always("product", Form::Of("product"), "What is on its way"),
        Column::always("quantity", Form::Some, "How many"),
        Column::always("from", Form::Id, "Where it comes from"),
        Column::always("to", Form::Id, "Where it goes"),
        Column::free("lane", Form::Id, "The carrier's lane"),
        Column::free("order", Form::Id, "The order it is for"),
        Column::always("shipped_on", Form::Day, "When it left"),
        Column::free("expected_on", Form::Day, "When it is expected")
            .not_before("shipped_on")
            .moving(),
        Column::free("arrived_on", Form::Day, "When it arrived").not_before("shipped_on").moving(),
    ],
};
