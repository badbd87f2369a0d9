//! Work orders: what was done about failures, and which parts that took.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "work-order",
    about: "A line of a closed work order: a failure of a device, and a part that it needed.",
    key: &["id", "line"],
    columns: &[
        Column::always("id", Form::Id, "The order's number"),
        Column::always("line", Form::Id, "The line's number; an order without parts has one"),
        Column::always("device", Form::Of("devices"), "The device that failed"),
        Column::always("fault", Form::Id, "What had failed: the rule whose task it was"),
        Column::always("failed_on", Form::Day, "The day it failed"),
        Column::always("closed_on", Form::Day, "The day the order was closed")
            .not_before("failed_on"),
        Column::free("part", Form::Of("product"), "What was needed; empty: nothing"),
        Column::free("used_on", Form::Day, "The day it was needed; empty: the day it failed")
            .not_before("failed_on"),
    ],
};
