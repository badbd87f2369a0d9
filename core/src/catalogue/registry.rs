//! The parts of every event, and the fields of what stands behind it: closed lists.

use super::Field;

pub(super) const EVENT: &[Field] = &[
    Field::text("id"),
    Field::text("device"),
    Field::text("channel"),
    Field::text("kind"),
    Field::number("seq"),
    Field::text("occurred_at"),
];

pub(super) const DEVICE: &[Field] =
    &[Field::text("id"), Field::text("model"), Field::text("site"), Field::text("account")];

pub(super) const ACCOUNT: &[Field] =
    &[Field::text("id"), Field::text("name"), Field::text("owner")];

pub(super) const SITE: &[Field] = &[Field::text("id"), Field::text("name"), Field::text("region")];
