//! Orders: what was sold.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "order",
    about: "A line of what an account has ordered.",
    key: &["id", "line"],
    columns: &[
        Column::always("id", Form::Id, "The order's number"),
        Column::always("line", Form::Some, "The line in it"),
        Column::always("account", Form::Of("accounts"), "Who ordered"),
        Column::free("deal", Form::Of("deal"), "The deal it came of"),
        Column::always("product", Form::Of("product"), "What was ordered"),
        Column::always("quantity", Form::Some, "How many"),
        Column::always("amount", Form::Money, "The line's amount, without tax"),
        Column::always("currency", Form::Currency, "The amount's currency"),
        Column::always("ordered_on", Form::Day, "When"),
        Column::free("promised_on", Form::Day, "When it was promised for").not_before("ordered_on"),
        Column::free("place", Form::Id, "Where it is needed"),
        Column::free("payment_terms", Form::Text, "When it is to be paid"),
    ],
};
