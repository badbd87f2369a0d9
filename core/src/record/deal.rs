//! Deals: what may be sold.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "deal",
    about: "Something that an account may buy.",
    key: &["id"],
    columns: &[
        Column::always("id", Form::Id, "The deal's number"),
        Column::always("account", Form::Of("accounts"), "Who may buy"),
        Column::free("owner", Form::Of("people"), "Who looks after it"),
        Column::always("stage", Form::Id, "How far it is, in the words of its process").moving(),
        Column::always("opened_on", Form::Day, "The day it began"),
        Column::free("product", Form::Of("product"), "What it is about"),
        Column::free("quantity", Form::Some, "How many").with(&["product"]),
        Column::free("amount", Form::Money, "What it is worth, without tax"),
        Column::free("currency", Form::Currency, "The amount's currency").with(&["amount"]),
        Column::free(
            "probability",
            Form::Share,
            "How likely it is to be won, as its owner sees it",
        )
        .moving(),
        Column::free("expected_on", Form::Day, "When it is expected to close")
            .not_before("opened_on")
            .moving(),
        Column::free(
            "signals",
            Form::Text,
            "What has been obtained, in words with blanks between: documents director",
        )
        .moving(),
        Column::free("place", Form::Id, "Where it will be delivered"),
        Column::free("device", Form::Of("devices"), "The device it began with"),
        Column::free("task", Form::Id, "The task it was opened from"),
        Column::free("closed_on", Form::Day, "When it closed").not_before("opened_on").moving(),
        Column::free("outcome", Form::Choice(&["won", "lost"]), "How it closed")
            .with(&["closed_on"])
            .moving(),
    ],
};
