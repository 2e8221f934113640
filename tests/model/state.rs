//! The state of the model: one checkout, its database row, two processes, BigCommerce, and what is on its way.
//!
//! Guarantees: plain values that can be compared and hashed. Never: time. What time does in the world (a lease that
//! runs out, a window that ends, a list that catches up) is an event that may happen at any moment at which it could.

use headless_checkout::checkout::Status;

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) upstream: Upstream,
    /// Requests that were sent and may still be carried out.
    pub(crate) net: Vec<Request>,
    pub(crate) row: Row,
    /// The rows of `checkout_order` that are not dead.
    pub(crate) alive: Vec<u8>,
    pub(crate) processes: [Process; 2],
    pub(crate) budget: Budget,
    pub(crate) broken: Broken,
}

/// BigCommerce.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Upstream {
    pub(crate) orders: Vec<Order>,
    /// How many create-order calls were ever sent.
    pub(crate) sends: u8,
    /// How many payment access tokens were ever made; a token is its number.
    pub(crate) minted: u8,
    /// Tokens that can pay nothing any more: used or expired.
    pub(crate) spent: Vec<u8>,
    /// Whether the shopper was given the hosted page of this cart.
    pub(crate) handed_over: bool,
    /// Whether a payment has used the cart up.
    pub(crate) cart_gone: bool,
    /// Whether reads still show a cart that is gone.
    pub(crate) cart_lags: bool,
}

/// An order; its id is its place in the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    /// Which create-order call made it; none where the hosted page did.
    pub(crate) send: Option<u8>,
    pub(crate) stands: Stands,
    pub(crate) archived: bool,
    /// Whether the list by cart id shows it already.
    pub(crate) listed: bool,
    /// Payments that were accepted and are neither approved nor declined yet.
    pub(crate) gateway: Vec<u8>,
    pub(crate) charges: u8,
    /// Charges that the shopper made on the hosted page.
    pub(crate) page_charges: u8,
    pub(crate) declines: u8,
    /// Charges and declines that reads do not show yet.
    pub(crate) hidden_charges: u8,
    pub(crate) hidden_declines: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stands {
    Incomplete,
    Paid,
    Cancelled,
    /// A person gave it the status of a paid order, and nothing was paid.
    Moved,
}

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Request {
    Create { send: u8 },
    Pay { order: u8, token: u8 },
}

/// The row of the checkout, as far as the saga depends on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row {
    pub(crate) status: Status,
    pub(crate) fence: u8,
    /// Which process holds the lease.
    pub(crate) holder: Option<u8>,
    pub(crate) order: Option<u8>,
    pub(crate) order_done: bool,
    pub(crate) payment: Payment,
    /// Payment attempts so far.
    pub(crate) attempts: u8,
    pub(crate) in_flight: Option<InFlight>,
    pub(crate) goal: Option<Goal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Goal {
    Pay,
    Cancel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Payment {
    None,
    Pending,
    Declined,
    Unknown,
    Succeeded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    Order,
    Payment,
    Cancel,
}

/// An attempt whose outcome is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InFlight {
    pub(crate) step: Step,
    pub(crate) fence: u8,
    /// What was committed before the payment was sent.
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) settling: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Checkpoint {
    pub(crate) token: u8,
    /// Declines that were listed before.
    pub(crate) known: u8,
    /// Earlier attempts whose decline was not.
    pub(crate) unlisted: u8,
}

/// One process of the service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Process {
    Idle,
    Busy(Box<Run>),
}

/// A run under a claim. It is lost with its process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Run {
    /// The row as this run knows it.
    pub(crate) row: Row,
    /// The card, in memory only.
    pub(crate) instrument: bool,
    pub(crate) at: At,
}

/// Where a run stands. A crash may come before each of these is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum At {
    SendOrder,
    AwaitOrder {
        send: u8,
    },
    Verify {
        order: u8,
    },
    Mint,
    /// Is the cart still there?
    AskCart(Checkpoint),
    /// Does the list of orders show one that was placed elsewhere?
    AskList(Checkpoint),
    Checkpoint(Checkpoint),
    SendPayment {
        token: u8,
    },
    AwaitPayment {
        token: u8,
    },
    Look,
    Undo,
    Record(Outcome),
}

/// What an attempt or a look came to (`saga::step::{Verdict, Finding}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    GoOn,
    Made {
        order: u8,
    },
    Unknown,
    Absent,
    StillUnknown,
    Accepted,
    Paid,
    Declined,
    Interrupted,
    /// The order was cancelled by somebody else before it was paid: it is buried, and another one is made.
    Buried,
    /// The shopper paid this order on the hosted page.
    PaidElsewhere {
        order: u8,
    },
    Undone,
    Stuck,
}

/// How often each of these may still happen. It keeps the state space finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// The shopper submits the payment.
    pub(crate) asks: u8,
    /// The shopper cancels, or never comes back.
    pub(crate) cancels: u8,
    /// An operator restarts what is stuck.
    pub(crate) restarts: u8,
    /// A process dies.
    pub(crate) crashes: u8,
    /// A process stops waiting for an answer, whatever became of the request.
    pub(crate) timeouts: u8,
    /// A process is so slow that its lease runs out while it lives.
    pub(crate) slow: u8,
    /// A proxy delivers a request twice.
    pub(crate) duplicates: u8,
    /// A read does not show the newest write yet.
    pub(crate) lags: u8,
    /// The gateway declines.
    pub(crate) declines: u8,
    /// The gateway accepts and settles later.
    pub(crate) pendings: u8,
    /// A run lets go and sets a timer instead of looking on.
    pub(crate) defers: u8,
    /// BigCommerce refuses to be asked.
    pub(crate) refusals: u8,
    /// The shopper pays on the hosted page, whose order may be its own or ours.
    pub(crate) pages: u8,
    /// The merchant cancels or moves an order that is not paid.
    pub(crate) merchants: u8,
}

/// What the model saw that no single state shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was seen")]
pub(crate) struct Broken {
    /// `checkout::next` refused a transition.
    pub(crate) illegal: bool,
    /// An outcome was written under an old fence.
    pub(crate) fence: bool,
    /// A final status changed.
    pub(crate) end: bool,
    /// The hosted page was paid between our looking for that and our payment. Nothing of BigCommerce's excludes it.
    pub(crate) raced: bool,
    /// It was called undone after the hosted page had been paid.
    pub(crate) undone_though_paid: bool,
}

impl State {
    /// A new checkout: its cart and addresses are there, its order is not.
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            upstream: Upstream { handed_over: budget.pages > 0, ..Upstream::default() },
            net: Vec::new(),
            row: Row {
                status: Status::AwaitingInput,
                fence: 1,
                holder: None,
                order: None,
                order_done: false,
                payment: Payment::None,
                attempts: 0,
                in_flight: None,
                goal: None,
            },
            alive: Vec::new(),
            processes: [Process::Idle, Process::Idle],
            budget,
            broken: Broken::default(),
        }
    }

    pub(crate) fn run(&self, process: u8) -> Option<&Run> {
        match self.processes.get(usize::from(process)) {
            Some(Process::Busy(run)) => Some(run),
            _ => None,
        }
    }

    pub(crate) fn set(&mut self, process: u8, to: Process) {
        if let Some(slot) = self.processes.get_mut(usize::from(process)) {
            *slot = to;
        }
    }

    /// Puts a run on to where it goes next.
    pub(crate) fn put(&mut self, process: u8, run: Run, at: At) {
        self.set(process, Process::Busy(Box::new(Run { at, ..run })));
    }

    /// The two processes are alike: states that differ only in their names are one.
    pub(crate) fn canonical(mut self) -> Self {
        let [one, other] = &self.processes;
        let swapped = |row: &Row| row.holder.map(|holder| 1 - holder);
        let key = |state: &[&Process; 2], holder: Option<u8>| (state[0].clone(), state[1].clone(), holder);
        let as_is = key(&[one, other], self.row.holder);
        let mut turned = (other.clone(), one.clone());
        for process in [&mut turned.0, &mut turned.1] {
            if let Process::Busy(run) = process {
                run.row.holder = swapped(&run.row);
            }
        }
        let holder = swapped(&self.row);
        if (turned.0.clone(), turned.1.clone(), holder) < as_is {
            self.processes = [turned.0, turned.1];
            self.row.holder = holder;
        }
        self.net.sort_unstable();
        self.upstream.spent.sort_unstable();
        self
    }
}

impl Order {
    /// Whether the list by cart id shows it as one that counts.
    pub(crate) fn is_found(&self) -> bool {
        self.listed && !self.archived
    }

    /// What was taken for it, as reads show it.
    pub(crate) fn shows_money(&self) -> bool {
        self.charges + self.page_charges > self.hidden_charges
    }

    pub(crate) fn can_be_paid(&self) -> bool {
        self.stands == Stands::Incomplete && !self.archived
    }
}
