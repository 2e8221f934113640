//! Runs a valid request: passes it to the saga, and waits for the result as long as the caller wants to.

use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use crate::checkout::{Answer, Status};
use crate::http::AppState;
use crate::http::limits::Client;
use crate::http::problem::Problem;
use crate::http::request::auth::CheckoutToken;
use crate::http::request::extract::{Target, WriteHeaders};
use crate::http::request::prefer::Wait;
use crate::http::request::trace::Trace;
use crate::http::response::answer::{ResponseOptions, cart_taken, snapshot};
use crate::saga::{NewCheckout, Operation, ReadError, Request, SubmitError, Submitted};

impl AppState {
    /// Does something to its end, whether or not the caller is still there: what was begun must be handed to the
    /// engine, so that it goes on at once.
    pub(crate) async fn undisturbed<T: Send + 'static, E: Into<Problem> + Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, Problem> {
        match self.0.tasks.spawn(work.in_current_span()).await {
            Ok(done) => done.map_err(Into::into),
            Err(error) => Err(Problem::internal(&error.to_string())),
        }
    }

    /// Creates a checkout and answers with it and its token.
    pub(crate) async fn create(
        &self,
        trace: &Trace,
        new: NewCheckout,
        request: Request,
        wait: Wait,
    ) -> Result<Response, Problem> {
        let secret = CheckoutToken::secret();
        let (engine, is_public) = (self.engine().clone(), request.is_public);
        let proof = CheckoutToken::proof_of(&secret);
        let created =
            self.undisturbed(async move { Ok::<_, Problem>(engine.create(new, request, proof).await) });
        let submitted = match Box::pin(created).await? {
            Err(ReadError::Refused(SubmitError::CartTaken { by: Some(owner) })) => {
                let token = CheckoutToken::new(owner, secret).text();
                trace.set_checkout(owner);
                return Ok(cart_taken(&self.engine().snapshot(owner).await?, token));
            }
            created => created?,
        };
        let id = submitted.checkout().id;
        let token = CheckoutToken::new(id, secret).text();
        let about_this = |_: &SubmitError| trace.set_checkout(id);
        let waited = submitted.wait(wait.duration()).await.inspect_err(about_this)?;
        if matches!(waited.answer, Some(Answer::CartTaken)) && !is_public {
            // Both asked at once, and the other one was faster: the same as if that one had been there before.
            let secret = CheckoutToken::secret();
            let proof = CheckoutToken::proof_of(&secret);
            let owner = self.engine().faster_owner(&waited.checkout, proof).await;
            if let Some(owner) = owner.inspect_err(about_this)? {
                trace.set_checkout(owner);
                let token = CheckoutToken::new(owner, secret).text();
                return Ok(cart_taken(&self.engine().snapshot(owner).await?, token));
            }
        }
        trace.set_checkout(id);
        let options = ResponseOptions {
            done: StatusCode::CREATED,
            pays: false,
            wait,
            replayed: waited.replayed,
            token: Some(&token),
        };
        Ok(options.answer(&waited.checkout, waited.answer))
    }

    /// Runs an operation on a checkout and answers with its snapshot. `canonical` is the body as it counts for the
    /// fingerprint.
    pub(crate) async fn run(
        &self,
        target: &Target,
        ask: &WriteHeaders,
        operation: Operation,
        canonical: &str,
    ) -> Result<Response, Problem> {
        let request = ask.request(self, target, operation.name(), canonical).await?;
        self.run_request(target, ask, operation, request).await
    }

    /// Pays, unless too many payments were asked for.
    pub(crate) async fn pay(
        &self,
        target: &Target,
        ask: &WriteHeaders,
        operation: Operation,
        canonical: &str,
        client: Client,
    ) -> Result<Response, Problem> {
        let mut request = ask.request(self, target, operation.name(), canonical).await?;
        if target.is_of_shopper() {
            request.paid_from(&client.text());
        }
        self.count_payment(target, client, &operation, &request).await?;
        self.run_request(target, ask, operation, request).await
    }

    async fn run_request(
        &self,
        target: &Target,
        ask: &WriteHeaders,
        operation: Operation,
        request: Request,
    ) -> Result<Response, Problem> {
        let pays = matches!(operation, Operation::Payment { .. } | Operation::Complete(_));
        let submitted = self.submit(target, operation, request).await?;
        let waited = submitted.wait(ask.wait.duration()).await?;
        let options = ResponseOptions {
            done: StatusCode::OK,
            pays,
            wait: ask.wait,
            replayed: waited.replayed,
            token: None,
        };
        let answer = waited.answer.map(|answer| target.told(answer));
        Ok(options.answer(&target.seen(waited.checkout), answer))
    }

    async fn submit(
        &self,
        target: &Target,
        operation: Operation,
        request: Request,
    ) -> Result<Submitted, Problem> {
        let (engine, id) = (self.engine().clone(), target.id);
        self.undisturbed(async move { engine.submit(id, operation, request).await }).await
    }

    /// Undoes a checkout. Asking for it again changes nothing, and waits for the first.
    pub(crate) async fn cancel(&self, target: &Target, ask: &WriteHeaders) -> Result<Response, Problem> {
        let deadline = Instant::now() + ask.wait.duration();
        let mut watch = self.engine().watch(target.id);
        let request = ask.request(self, target, Operation::Cancel.name(), "").await?;
        let submitted = self.submit(target, Operation::Cancel, request).await?;
        let mut waited = submitted.wait(ask.wait.duration()).await?;
        while waited.answer == Some(Answer::Done) && waited.checkout.status == Status::Compensating {
            if timeout_at(deadline, watch.changed()).await.is_err() {
                waited.answer = None;
            }
            match self.engine().snapshot(target.id).await {
                Ok(checkout) => waited.checkout = checkout,
                // It was recorded, and goes on.
                Err(SubmitError::Unavailable { .. }) => waited.answer = None,
                Err(refusal) => return Err(refusal.into()),
            }
        }
        if waited.answer == Some(Answer::Done) {
            waited.answer = Some(match waited.checkout.status {
                Status::Stuck => Answer::Stuck,
                Status::Completed => Answer::Closed,
                _ => Answer::Done,
            });
        }
        let options = ResponseOptions {
            done: StatusCode::OK,
            pays: false,
            wait: ask.wait,
            replayed: waited.replayed,
            token: None,
        };
        Ok(options.answer(&target.seen(waited.checkout), waited.answer))
    }

    /// The checkout as it is now.
    pub(crate) async fn read(&self, target: &Target) -> Result<Response, Problem> {
        Ok(snapshot(&target.seen(self.engine().snapshot(target.id).await?)))
    }
}
