/* Paying for one order of two products, with one unit of each: in time, late, twice, failed, after a cancel; two
 * workers at one event, that may die at any step; expiry; the alarms of the holds; a `follow` that comes late; another
 * buyer. It ends where a refund is due: fulfilment.pml sends it.
 *
 * One step is one call: a batch to D1, an RPC to a Stock object, a request to the provider. Expiry by the sweep and by
 * an alarm is one statement, so one process stands for all its hands. Leases are left out: a row's lease may run out at
 * any moment, so whoever thinks that he has one is a twin. An event's id is the payment's, not the message's.
 *
 * The scene:
 *   -DTWICE         two events, a worker each; the second is a second full payment, or a failure
 *   -DRIVAL         another buyer takes a unit of the second product once there is one
 *   -DCANCEL        the order is cancelled, at any time that it lives
 *   -DDEAD_LETTERS  the event runs out of tries, and staff send it again, or do not
 *
 * Planted faults, and the property that each must break:
 *   -DNO_FENCE           an alarm lets go a claim without a fate, without writing one             (living_is_held)
 *   -DSAME_CLAIM         a late payment revives the order with the claim that it had              (living_is_held)
 *   -DNAMED_EARLY        the order names its next claim before that has a fate                    (living_is_held)
 *   -DRELEASE_BY_DELTA   letting go adds a unit, whether or not one was held                      (sold_once)
 *   -DMARK_FIRST         an event is marked as worked off before its effect                       (never_neither)
 *   -DREFUND_APART       a refund is written after the batch that makes it due                    (never_neither)
 *   -DCANCEL_OWES_NOTHING  a cancel gives no money back                                           (never_neither)
 *   -DNO_STAMP           a batch does not ask whether the order is as it was read      (living_is_held, never_neither)
 *   -DSECOND_IS_DONE     a second payment is marked as worked off, and that is all                (never_neither)
 *   -DMESSAGE_IS_PAYMENT a message about a payment that is known counts as another payment        (never_both)
 *   -DFAILED_UNPAYS      a failure that comes after the success takes the payment back            (confirmed_is_paid)
 *   -DEXPIRES_ANYWAY     expiry does not look for an event that is not worked off                 (in_time_is_paid)
 *   -DASKS_ONCE          a hold that saw a living order never asks again                          (calm_holds)
 *   -DNO_SWEEP           whose worker died is never taken by another                              (calm_events)
 *   -DDEAD_WAITS         expiry waits for dead-lettered events too                                (calm_deadline)
 *   -DHASTY              the next claim reserves before the old one has let go                    (enough_revives)
 *   -DSTALE_LET_GO       the old claim is told to let go at a version that it has passed          (enough_revives)
 *   -DABANDONED_REFUNDS  an abandoned claim makes a refund due                                    (enough_revives)
 *   -DCLAIM_PER_EVENT    two late payments try with a claim each, instead of sharing one          (enough_revives, with -DTWICE)
 *   -DNO_NEXT_CLAIM      a dead claim is not replaced                                             (comes_to_rest)
 */
#define NOBODY 9
#define CLAIMS 5
#ifndef DEATHS
#define DEATHS 2
#endif

mtype = { none, placed, rejected, abandoned };            /* a claim's fate: its row in D1 */
mtype = { pending, confirmed, expired, cancelled };       /* the order's row: none comes back, so each is a version */
mtype = { unsent, open, done, dead };                     /* a payment event's row; dead: kept for staff */
mtype = { nothing, due };                                 /* its refund's row: fulfilment.pml works it off */
mtype fate[CLAIMS] = { placed, none, none, none, none };
mtype order = pending; byte named = 0, payer = NOBODY;    /* the order: its one claim, and the event that paid it */
byte try[2] = 0;                                          /* the claim that it is tried with, next to the order */
mtype event[2] = unsent; bool failed[2]; mtype refund[2] = nothing;
bool gone[10], hold[10] = { true, true, false, false, false, false, false, false, false, false };
byte avail[2], sold;                                      /* holds by claim*2+product, in the Stock objects */
bool in_time, calm; byte deaths;

#define LIVING    (order == pending || order == confirmed)
#define DEAD(c)   (fate[c] == rejected || fate[c] == abandoned || (fate[c] == placed && !(LIVING && named == c)))
#define PAYS(e)   (payer == e && order == confirmed)
#define SOME_OPEN (event[0] == open || event[1] == open)

/* The claim that a late payment tries with: all events of an order share it, as twins share their key's. */
#ifdef CLAIM_PER_EVENT
#define OF(e) e
#define NEXT(c, e) (c == 0 -> 1 + 2 * e : c + 1)
#define PATIENT(c) (c == 2 || c == 4)
#else
#define OF(e) 0
#define NEXT(c, e) (c + 1)
#define PATIENT(c) (c >= 3)
#endif
#ifdef SAME_CLAIM
#define SPENT(c) false
#define UNDECIDED(c) true
#else
#define SPENT(c) DEAD(c)
#define UNDECIDED(c) (fate[c] == none)
#endif
/* What a batch asks before it writes anything. */
#ifdef NO_STAMP
#define AS_READ true
#else
#define AS_READ (order == saw)
#endif
#ifdef MARK_FIRST
#define UNDONE(e) true
#else
#define UNDONE(e) (event[e] == open)
#endif
#define STANDS(e) (UNDONE(e) && AS_READ)

#if defined(EXPIRES_ANYWAY)
#define HELD_BACK false
#elif defined(DEAD_WAITS)
#define HELD_BACK (SOME_OPEN || event[0] == dead)
#else
#define HELD_BACK SOME_OPEN
#endif

#ifdef STALE_LET_GO
bool told;                                                /* the first claim heard of its living order */
#define HEARS(c) !(c == 0 && told)
#else
#define HEARS(c) true
#endif

inline let_go(c, p) { d_step {
  if :: hold[c*2+p] -> hold[c*2+p] = false; avail[p]++
#ifdef RELEASE_BY_DELTA
     :: !hold[c*2+p] -> avail[p]++
#endif
     :: else fi;
  gone[c*2+p] = true } }
inline reserve(c, p, r) { d_step {
  if :: gone[c*2+p] -> r = 2
     :: !gone[c*2+p] && hold[c*2+p] -> r = 1
     :: !gone[c*2+p] && !hold[c*2+p] && avail[p] > 0 -> avail[p]--; hold[c*2+p] = true; r = 1
     :: else -> r = 0 fi } }
inline may_die() { if :: deaths < DEATHS -> deaths++; goto reborn :: skip fi }
inline work_off(e) { event[e] = done }
inline give_back(e) {
#ifndef REFUND_APART
  refund[e] = due
#else
  owes = true
#endif
}

proctype Worker(byte e) {
  byte c = 0, r0 = 0, r1 = 0; mtype saw = none;
#ifdef REFUND_APART
  bool owes = false;
#endif
end:
again:
  atomic { event[e] == open -> saw = order; c = try[OF(e)] };
#ifdef MARK_FIRST
  atomic { event[e] = done; may_die() };
#endif
  if
  :: failed[e] ->
     d_step { if :: UNDONE(e) -> work_off(e);
#ifdef FAILED_UNPAYS
                    payer = NOBODY
#endif
                 :: else fi }
  :: !failed[e] && saw == pending ->
     d_step { if :: STANDS(e) -> order = confirmed; payer = e; work_off(e) :: else fi }
  :: !failed[e] && (saw == confirmed || saw == cancelled) -> /* paid before, or too late for good */
     d_step { if :: STANDS(e) -> work_off(e);
#ifndef SECOND_IS_DONE
                    give_back(e)
#endif
                 :: else fi }
  :: !failed[e] && saw == expired && SPENT(c) ->          /* the old claim goes everywhere, then a fresh one is set */
#ifndef HASTY
     atomic { if :: HEARS(c) -> let_go(c, 0) :: else fi; may_die() };
     atomic { if :: HEARS(c) -> let_go(c, 1) :: else fi; may_die() };
#endif
#ifndef NO_NEXT_CLAIM
     d_step { if :: try[OF(e)] == c -> try[OF(e)] = NEXT(c, e)
#ifdef NAMED_EARLY
                    ; named = try[OF(e)]
#endif
                 :: else fi }
#endif
  :: !failed[e] && saw == expired && !SPENT(c) ->
     atomic { reserve(c, 0, r0); may_die() };
     atomic { reserve(c, 1, r1); may_die() };
     d_step {                                             /* one batch: the claim's fate, and all that comes of it */
       if :: r0 == 1 && r1 == 1 && UNDECIDED(c) && STANDS(e) ->
             fate[c] = placed; order = confirmed; named = c; payer = e; work_off(e)
          :: (r0 == 0 || r1 == 0) && UNDECIDED(c) && STANDS(e) ->
             fate[c] = rejected; work_off(e); give_back(e)
#ifdef ABANDONED_REFUNDS
          :: fate[c] == abandoned && STANDS(e) -> work_off(e); give_back(e)
#endif
          :: else fi }                                    /* then it lets go what is dead, as the alarms do here */
  fi;
#ifdef REFUND_APART
  may_die(); if :: owes -> refund[e] = due :: else fi;
#endif
  d_step { c = 0; r0 = 0; r1 = 0; saw = none }; goto again;
reborn:                                                   /* another takes the row when the lease has run out */
  atomic { c = 0; r0 = 0; r1 = 0; saw = none };
#ifdef REFUND_APART
  owes = false;
#endif
#ifndef NO_SWEEP
  goto again
#endif
}

proctype Provider(byte e) {                               /* the webhook stores the event, and answers; else it comes again */
  if :: e == 1 -> failed[1] = true :: e == 0 -> goto unpaid :: skip fi;
  d_step { event[e] = open; if :: e == 0 -> in_time = LIVING :: else fi };
#ifndef MESSAGE_IS_PAYMENT
  skip                                                    /* once more: the insert yields */
#else
  if :: d_step { event[e] == done -> event[e] = open } :: skip fi
#endif
unpaid: skip
}

proctype DeadLetters() {                                  /* its tries run out; staff send it again, or do not */
  if
  :: d_step { event[0] == open -> event[0] = dead; in_time = false }; if :: event[0] = open :: skip fi
  :: skip
  fi
}

proctype Expiry() {
end:
  d_step { order == pending && !HELD_BACK -> order = expired }
}

proctype Cancel() {
  mtype saw = none;
  if
  :: d_step { LIVING -> saw = order };
     d_step { if :: AS_READ -> order = cancelled;
#ifndef CANCEL_OWES_NOTHING
                    if :: saw == confirmed -> refund[payer] = due :: else fi
#endif
                 :: else fi }
  :: skip
  fi
}

proctype Follow() {                                       /* what expiry or a cancel owes; it may come late, or never */
  byte c = 0;
  if
  :: d_step { !LIVING -> c = named }; let_go(c, 1)
  :: skip
  fi
}

#ifdef NO_FENCE
#define FENCE(c, p) hold[c*2+p] && fate[c] == none -> let_go(c, p)
#else
#define FENCE(c, p) d_step { hold[c*2+p] && fate[c] == none && (!PATIENT(c) || !SOME_OPEN) -> fate[c] = abandoned }
#endif
#ifdef ASKS_ONCE
bool seen[2];
#define ASK(c, p) FENCE(c, p) \
  :: d_step { hold[c*2+p] && !seen[p] && fate[c] == placed && LIVING && named == c -> seen[p] = true } \
  :: hold[c*2+p] && DEAD(c) && !seen[p] -> let_go(c, p)
#else
#define ASK(c, p) FENCE(c, p) :: hold[c*2+p] && DEAD(c) -> let_go(c, p)
#endif
proctype Alarms() {                                       /* a hold asks its row for as long as it is open */
end: do
  :: ASK(0, 0) :: ASK(0, 1) :: ASK(1, 0) :: ASK(1, 1) :: ASK(2, 0) :: ASK(2, 1) :: ASK(3, 0) :: ASK(3, 1)
  :: ASK(4, 0) :: ASK(4, 1)
#ifdef STALE_LET_GO
  :: d_step { hold[0] && !told && order == pending -> told = true }
#endif
  od
}

proctype Rival() { if :: d_step { avail[1] > 0 -> avail[1]--; sold++ } :: skip fi }

init {
  atomic { run Provider(0); run Worker(0); run Expiry(); run Follow(); run Alarms();
#ifdef TWICE
    run Provider(1); run Worker(1);
#else
    run Worker(0);
#endif
#ifdef CANCEL
    run Cancel();
#endif
#ifdef DEAD_LETTERS
    run DeadLetters();
#endif
#ifdef RIVAL
    run Rival();
#endif
  };
  timeout -> calm = true
}

#define UNITS(p)   (avail[p] + hold[p] + hold[2+p] + hold[4+p] + hold[6+p] + hold[8+p])
#define HELD(c)    (!(hold[c*2] || hold[c*2+1]) || (LIVING && named == c))
#define ENDED(e)   (event[e] == unsent || event[e] == done || event[e] == dead)
#define PAID(e)    (event[e] == done && !failed[e])
#define OUTCOME(e) (!PAID(e) || PAYS(e) || refund[e] != nothing)

ltl living_is_held    { [] (LIVING -> (hold[named*2] && hold[named*2+1])) }
ltl sold_once         { [] (UNITS(0) == 1 && UNITS(1) + sold == 1) }
ltl never_neither     { [] (OUTCOME(0) && OUTCOME(1)) }
ltl never_both        { [] !((PAYS(0) && refund[0] != nothing) || (PAYS(1) && refund[1] != nothing)) }
ltl confirmed_is_paid { [] (order == confirmed -> payer != NOBODY) }
ltl in_time_is_paid   { [] !(in_time && event[0] == open && order == expired) }
ltl calm_holds        { [] (calm -> (HELD(0) && HELD(1) && HELD(2) && HELD(3) && HELD(4))) }
ltl calm_events       { [] (calm -> (ENDED(0) && ENDED(1))) }
ltl calm_deadline     { [] (calm -> order != pending) }
ltl enough_revives    { [] ((calm && sold == 0 && (PAID(0) || PAID(1))) -> (order == confirmed || order == cancelled)) }
ltl never_calm        { [] !calm }
