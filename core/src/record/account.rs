//! Accounts of the registry: customers.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "account",
    about: "A customer.",
    key: &["id"],
    columns: &[
        Column::always("id", Form::Id, "The customer's number"),
        Column::always("name", Form::Text, "Its name, for people"),
        Column::free("owner", Form::Of("people"), "Who answers for it"),
        Column::free(
            "consent",
            Form::Choice(&["yes", "no"]),
            "Whether it agreed to be approached; empty where nobody has asked",
        ),
        Column::free("country", Form::Country, "Where it is, for numbers without a country code"),
        Column::free("credit_code", Form::CreditCode, "China's unified social credit code"),
        Column::free("phone", Form::Text, "Its telephone number"),
        Column::free("email", Form::Email, "Its address for mail"),
    ],
};
