//! Price lists.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "price",
    about: "A product's price in a list, from a day on.",
    key: &["list", "product", "currency", "valid_from"],
    columns: &[
        Column::always("list", Form::Id, "The price list"),
        Column::always("product", Form::Of("product"), "The product"),
        Column::always("currency", Form::Currency, "The price's currency"),
        Column::always("valid_from", Form::Day, "The first day it holds"),
        Column::free("valid_until", Form::Day, "The last day it holds").not_before("valid_from"),
        Column::always("unit_price", Form::Money, "The price of one, without tax"),
        Column::free("floor", Form::Money, "The lowest price of one without approval"),
    ],
};
