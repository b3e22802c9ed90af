//! A simulated subscription with any terms, its invoices, and the money that moved by the definition of revenue.
//!
//! Amounts of lines are not simulated: an invoice has a total. Stripe's rounding is not either.

use super::*;

/// The terms at the start.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) currency: &'static str,
    pub(super) interval: (&'static str, u32),
    pub(super) seats: i64,
    /// Minor units for each seat.
    pub(super) unit: i64,
    /// Quantity and minor units of a second item.
    pub(super) extra: Option<(i64, i64)>,
    /// Percent off.
    pub(super) coupon: i64,
    /// Percent of tax, added to the price.
    pub(super) tax: i64,
    pub(super) trial: bool,
    /// Set-up fee on the first invoice.
    pub(super) fee: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Proration {
    AlwaysInvoice,
    Create,
    None,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Renew {
        out_of_band: bool,
    },
    SetSeats {
        seats: i64,
        proration: Proration,
    },
    Refund {
        payment: prop::sample::Index,
        percent: i64,
        fails: bool,
    },
    Dispute {
        payment: prop::sample::Index,
        won: bool,
    },
    GrantCredit(i64),
    FailThenRecover,
    RestartCycle,
    PauseAndResume,
    ChangePrice,
    BillExtra(i64),
    BillOneOff(i64),
}

/// A webhook, and what is fetched directly after it.
#[derive(Clone, Debug)]
pub(super) struct WorldStep {
    pub(super) webhook: Value,
    pub(super) fetched: Value,
    pub(super) paid: Vec<Value>,
    pub(super) reversed_invoice: Option<String>,
}

/// A paid invoice and how much of it was not refunded.
struct PaidAmount {
    invoice: String,
    left: i64,
}

pub(super) struct World {
    pub(super) steps: Vec<WorldStep>,
    /// Payments less refunds and lost disputes, in minor units.
    pub(super) money_moved: i64,
    terms: Terms,
    price: u32,
    second: i64,
    subscription: Value,
    paid: Vec<Value>,
    amounts: Vec<PaidAmount>,
    balance: i64,
    /// Prorations for the next invoice.
    pending: i64,
    last_id: u32,
}

/// An invoice that is to be paid.
struct Due {
    id: String,
    reason: &'static str,
    /// Minor units before coupon and tax.
    amount: i64,
    lines: Vec<Value>,
    out_of_band: bool,
}

impl World {
    pub(super) fn run(terms: &Terms, on_trial: &[i64], actions: &[Action]) -> Self {
        let mut world = Self {
            steps: Vec::new(),
            money_moved: 0,
            terms: terms.clone(),
            price: 1,
            second: START,
            subscription: subscription(),
            paid: Vec::new(),
            amounts: Vec::new(),
            balance: 0,
            pending: 0,
            last_id: 0,
        };
        world.start();
        if terms.trial {
            for seats in on_trial {
                world.set_seats(*seats, Proration::Create);
            }
            world.second = TRIAL_END;
            world.begin_period("subscription_cycle", json!({"status": "active"}), false);
        }
        for action in actions {
            world.act(action);
        }
        world.subscription["status"] = json!("canceled");
        world.subscription["ended_at"] = json!(world.second);
        world.emit(
            "customer.subscription.deleted",
            world.subscription.clone(),
            None,
            None,
        );
        world
    }

    fn start(&mut self) {
        let id = self.new_id("in");
        self.subscription["latest_invoice"] = json!(id);
        self.subscription["items"] = self.items();
        let mut lines = vec![self.extra_line()];
        if self.terms.trial {
            let trial = json!({"status": "trialing", "trial_start": START, "trial_end": TRIAL_END});
            self.subscription = with(self.subscription.clone(), trial);
            lines.push(self.period_line(START, TRIAL_END));
        } else {
            lines.push(self.period_line(self.second, self.second + self.period_secs()));
        }
        self.emit(
            "customer.subscription.created",
            self.subscription.clone(),
            None,
            None,
        );
        let price = if self.terms.trial {
            0
        } else {
            self.price_of_period()
        };
        let amount = price + self.terms.fee;
        self.pay(Due {
            id,
            reason: "subscription_create",
            amount,
            lines,
            out_of_band: false,
        });
    }

    fn act(&mut self, action: &Action) {
        self.second += 3_600;
        match action {
            Action::Renew { out_of_band } => {
                self.second += self.period_secs();
                self.begin_period("subscription_cycle", json!({}), *out_of_band);
            }
            Action::SetSeats { seats, proration } => self.set_seats(*seats, *proration),
            Action::Refund {
                payment,
                percent,
                fails,
            } => self.refund(payment, *percent, *fails),
            Action::Dispute { payment, won } => self.dispute(payment, *won),
            Action::GrantCredit(amount) => self.balance += amount,
            Action::FailThenRecover => {
                self.second += self.period_secs();
                let failed = json!({"status": "open", "amount_paid": 0, "status_transitions": {}});
                let failed = with(invoice("in_failed", "subscription_cycle", 0, self.second), failed);
                self.emit("invoice.payment_failed", failed, None, None);
                self.begin_period("subscription_cycle", json!({}), false);
            }
            Action::RestartCycle => self.begin_period("subscription_update", json!({}), false),
            Action::PauseAndResume => {
                self.subscription["status"] = json!("paused");
                self.emit(
                    "customer.subscription.paused",
                    self.subscription.clone(),
                    None,
                    None,
                );
                let id = self.new_id("in");
                let resumed = json!({"status": "active", "latest_invoice": id});
                self.subscription = with(self.subscription.clone(), resumed);
                self.emit(
                    "customer.subscription.resumed",
                    self.subscription.clone(),
                    None,
                    None,
                );
                self.pay_period(id, "subscription_update", false);
            }
            Action::ChangePrice => {
                self.price += 1;
                self.terms.unit += 100;
                self.terms.interval = if self.price.is_multiple_of(2) {
                    ("year", 1)
                } else {
                    ("month", 1)
                };
                self.begin_period("subscription_update", json!({}), false);
            }
            Action::BillExtra(amount) => {
                let (id, lines) = (self.new_id("in"), vec![self.extra_line()]);
                self.pay(Due {
                    id,
                    reason: "manual",
                    amount: *amount,
                    lines,
                    out_of_band: false,
                });
            }
            Action::BillOneOff(amount) => {
                let one_off = invoice("in_one_off", "manual", *amount, self.second);
                self.emit("invoice.paid", with(one_off, json!({"parent": null})), None, None);
            }
        }
    }

    /// A period starts and is paid.
    fn begin_period(&mut self, reason: &'static str, changes: Value, out_of_band: bool) {
        let id = self.new_id("in");
        let items = self.items();
        self.update(with(changes, json!({"latest_invoice": id, "items": items})));
        self.pay_period(id, reason, out_of_band);
    }

    fn pay_period(&mut self, id: String, reason: &'static str, out_of_band: bool) {
        let amount = self.price_of_period() + std::mem::take(&mut self.pending);
        let lines = vec![self.period_line(self.second, self.second + self.period_secs())];
        self.pay(Due {
            id,
            reason,
            amount,
            lines,
            out_of_band,
        });
    }

    fn set_seats(&mut self, seats: i64, proration: Proration) {
        let difference = (seats - self.terms.seats) * self.terms.unit / 2;
        self.terms.seats = seats;
        let items = self.items();
        let is_on_trial = self.subscription["status"] == "trialing";
        match proration {
            Proration::AlwaysInvoice if !is_on_trial => {
                let id = self.new_id("in");
                self.update(json!({"items": items, "latest_invoice": id}));
                let mut line = self.period_line(self.second, self.second + DAY);
                line["parent"]["subscription_item_details"]["proration"] = json!(true);
                let (lines, amount) = (
                    vec![line.clone(), line],
                    difference + std::mem::take(&mut self.pending),
                );
                self.pay(Due {
                    id,
                    reason: "subscription_update",
                    amount,
                    lines,
                    out_of_band: false,
                });
            }
            Proration::Create if !is_on_trial => {
                self.pending += difference;
                self.update(json!({"items": items}));
            }
            _ => self.update(json!({"items": items})),
        }
    }

    /// Coupon, tax and balance are applied. A negative total becomes the customer's credit.
    fn pay(&mut self, due: Due) {
        let net = due.amount - due.amount * self.terms.coupon / 100;
        let tax = net.max(0) * self.terms.tax / 100;
        let total = net + tax;
        let credit = if total < 0 { total } else { self.balance.min(total) };
        self.balance -= credit;
        let amount = total.max(0) - credit.max(0);
        let mut paid = invoice(&due.id, due.reason, amount, self.second);
        paid["currency"] = json!(self.terms.currency);
        paid["total"] = json!(total);
        paid["total_taxes"] = json!([{"amount": tax}]);
        paid["paid_out_of_band"] = json!(due.out_of_band);
        paid["lines"]["data"] = json!(due.lines);
        self.money_moved += amount;
        if amount > 0 && !due.out_of_band {
            self.amounts.push(PaidAmount {
                invoice: due.id,
                left: amount,
            });
        }
        self.paid.push(paid.clone());
        self.emit("invoice.paid", paid, None, None);
    }

    fn refund(&mut self, payment: &prop::sample::Index, percent: i64, fails: bool) {
        let Some((index, invoice)) = self.refundable(payment) else {
            return;
        };
        let amount = (self.amounts[index].left * percent / 100).max(1);
        let id = self.new_id("re");
        let made = with(
            refund(&id, amount, "succeeded"),
            json!({"currency": self.terms.currency, "created": self.second}),
        );
        self.emit("refund.created", made.clone(), None, Some(&invoice));
        if fails {
            let failed = with(made, json!({"status": "failed"}));
            let previous = Some(json!({"status": "succeeded"}));
            self.emit("refund.updated", failed.clone(), previous, Some(&invoice));
            self.emit("refund.failed", failed, None, Some(&invoice));
        } else {
            self.amounts[index].left -= amount;
            self.money_moved -= amount;
        }
    }

    fn dispute(&mut self, payment: &prop::sample::Index, won: bool) {
        let Some((index, invoice)) = self.refundable(payment) else {
            return;
        };
        let amount = std::mem::take(&mut self.amounts[index].left);
        let dispute = |id: &str, status: &str, created: i64, currency: &str| {
            json!({
                "id": id, "object": "dispute", "amount": amount, "currency": currency, "status": status,
                "created": created, "charge": "ch_1", "payment_intent": "pi_1",
            })
        };
        let id = self.new_id("du");
        let (second, currency) = (self.second, self.terms.currency);
        for kind in ["charge.dispute.created", "charge.dispute.funds_withdrawn"] {
            self.emit(
                kind,
                dispute(&id, "needs_response", second, currency),
                None,
                Some(&invoice),
            );
        }
        let status = if won { "won" } else { "lost" };
        self.emit(
            "charge.dispute.closed",
            dispute(&id, status, second, currency),
            None,
            Some(&invoice),
        );
        self.money_moved -= if won { 0 } else { amount };
    }

    fn refundable(&self, payment: &prop::sample::Index) -> Option<(usize, String)> {
        let open: Vec<usize> = (0..self.amounts.len())
            .filter(|index| self.amounts[*index].left > 0)
            .collect();
        let index = *open.get(payment.index(open.len().max(1)))?;
        Some((index, self.amounts[index].invoice.clone()))
    }

    fn update(&mut self, changes: Value) {
        let row = change(&self.subscription, changes);
        self.subscription = row["data"]["object"].clone();
        let previous = row["data"]["previous_attributes"].clone();
        self.emit(
            "customer.subscription.updated",
            self.subscription.clone(),
            Some(previous),
            None,
        );
    }

    fn emit(&mut self, kind: &str, object: Value, previous: Option<Value>, reversed: Option<&str>) {
        self.second += 60;
        let mut data = json!({"object": object});
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let id = self.new_id("evt");
        self.steps.push(WorldStep {
            webhook: json!({"id": id, "object": "event", "type": kind, "created": self.second, "data": data}),
            fetched: self.subscription.clone(),
            paid: self.paid.clone(),
            reversed_invoice: reversed.map(str::to_owned),
        });
    }

    fn new_id(&mut self, prefix: &str) -> String {
        self.last_id += 1;
        format!("{prefix}_{}", self.last_id)
    }

    fn price_of_period(&self) -> i64 {
        let extra = self.terms.extra.map_or(0, |(quantity, unit)| quantity * unit);
        self.terms.seats * self.terms.unit + extra
    }

    fn period_secs(&self) -> i64 {
        let (unit, count) = self.terms.interval;
        let days = match unit {
            "day" => 1,
            "week" => 7,
            "month" => 30,
            _ => 365,
        };
        i64::from(count) * days * DAY
    }

    fn items(&self) -> Value {
        let (unit, count) = self.terms.interval;
        let item = |id: &str, price: String, product: &str, quantity: i64, amount: i64| {
            json!({
                "id": id,
                "quantity": quantity,
                "current_period_start": self.second,
                "current_period_end": self.second + self.period_secs(),
                "price": {
                    "id": price, "product": product, "currency": self.terms.currency, "unit_amount": amount,
                    "recurring": {"interval": unit, "interval_count": count},
                },
            })
        };
        let seats = item(
            "si_1",
            format!("price_{}", self.price),
            "prod_1",
            self.terms.seats,
            self.terms.unit,
        );
        let extra = self.terms.extra;
        let extra = extra
            .map(|(quantity, amount)| item("si_2", "price_extra".to_owned(), "prod_2", quantity, amount));
        let items: Vec<Value> = extra.into_iter().chain([seats]).collect();
        json!({"object": "list", "data": items})
    }

    fn period_line(&self, start: i64, end: i64) -> Value {
        json!({
            "period": {"start": start, "end": end},
            "pricing": {"price_details": {"price": format!("price_{}", self.price), "product": "prod_1"}},
            "parent": {"subscription_item_details": {"proration": false, "subscription_item": "si_1"}},
        })
    }

    fn extra_line(&self) -> Value {
        json!({
            "period": {"start": self.second, "end": self.second},
            "pricing": {"price_details": {"price": "price_fee", "product": "prod_fee"}},
            "parent": {"invoice_item_details": {"invoice_item": "ii_1"}},
        })
    }
}
