//! Contacts of the registry: people at customers.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "contact",
    about: "A person at a customer.",
    key: &["id"],
    columns: &[
        Column::always("id", Form::Id, "The person's number"),
        Column::always("name", Form::Text, "The person's name"),
        Column::free("account", Form::Of("accounts"), "The customer the person works for"),
        Column::free(
            "tags",
            Form::Text,
            "What the person charges or signs on with, such as RFID cards, with ';' between",
        ),
        Column::free("test", Form::Choice(&["yes", "no"]), "Whether it stands for our own trials"),
        Column::free("country", Form::Country, "Where it is, for numbers without a country code"),
        Column::free("phone", Form::Text, "The telephone number"),
        Column::free("email", Form::Email, "The address for mail"),
    ],
};
