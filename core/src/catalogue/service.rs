//! Service events: what people and other systems do for a customer, in the words rules use.
//!
//! They come by MQTT, by `POST /api/v1/events` and from CSV files, whatever the devices speak, so
//! rules may name them beside the events of any format. `account`, `contact`, `site` and `id_tag`
//! say whom an event is about; where it names none of them, it is about its device's account.

use super::{Field, Kind};

/// The attributes of a kind: whom it is about, which every kind says, and its own.
macro_rules! of_customer {
    ($($own:expr,)*) => {
        &[
            Field::text("account"),
            Field::text("contact"),
            Field::text("site"),
            Field::text("id_tag"),
            $($own,)*
        ]
    };
}

/// The kinds of service events.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "ticket_opened", attributes: TICKET_OPENED },
    Kind { name: "ticket_closed", attributes: TICKET_CLOSED },
    Kind { name: "repair_recorded", attributes: REPAIR },
    Kind { name: "visit_recorded", attributes: VISIT },
    Kind { name: "campaign_sent", attributes: CAMPAIGN },
    Kind { name: "requirement_recorded", attributes: REQUIREMENT },
    Kind { name: "maintenance_started", attributes: MAINTENANCE },
    Kind { name: "maintenance_ended", attributes: MAINTENANCE },
];

/// How bad a ticket is; a guard looks at `severe` ones.
const SEVERITIES: &[&str] = &["low", "normal", "severe"];

/// A customer complains, or asks for help.
const TICKET_OPENED: &[Field] = of_customer![
    Field::text("ticket"),
    Field::one_of("severity", SEVERITIES),
    Field::text("subject"),
    Field::text("source"),
];

/// The ticket of the same number is settled.
const TICKET_CLOSED: &[Field] = of_customer![
    Field::text("ticket"),
    Field::one_of("severity", SEVERITIES),
    Field::text("subject"),
    Field::text("resolution"),
];

/// Something was repaired: `part` is what, `cost` what it came to in `currency`.
const REPAIR: &[Field] = of_customer![
    Field::text("ticket"),
    Field::text("part"),
    Field::text("fault"),
    Field::number("cost"),
    Field::text("currency"),
    Field::number("labour_minutes"),
];

/// Somebody called on the customer.
const VISIT: &[Field] = of_customer![
    Field::text("ticket"),
    Field::text("purpose"),
    Field::text("person"),
    Field::text("outcome"),
];

/// A campaign reached the customer.
const CAMPAIGN: &[Field] =
    of_customer![Field::text("campaign"), Field::text("subject"), Field::text("medium"),];

/// The customer said what it needs.
const REQUIREMENT: &[Field] = of_customer![
    Field::text("requirement"),
    Field::text("subject"),
    Field::text("product"),
    Field::number("quantity"),
    Field::text("needed_on"),
];

/// Work on a device or at a site begins or ends.
const MAINTENANCE: &[Field] = of_customer![
    Field::text("ticket"),
    Field::text("work_order"),
    Field::text("subject"),
    Field::text("reason"),
];
