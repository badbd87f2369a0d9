//! Production plans: what will be made.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "plan",
    about: "How many of a product will be made by a day.",
    key: &["id"],
    columns: &[
        Column::always("id", Form::Id, "The plan's number"),
        Column::always("product", Form::Of("product"), "What is made"),
        Column::always("quantity", Form::Some, "How many"),
        Column::always("due_on", Form::Day, "The day they are to be ready"),
        Column::free("place", Form::Id, "Where"),
        Column::free("order", Form::Id, "The order they are for"),
        Column::always(
            "state",
            Form::Choice(&["planned", "begun", "done", "late"]),
            "How far it is",
        )
        .moving(),
    ],
};
