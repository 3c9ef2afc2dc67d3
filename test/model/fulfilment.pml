/* After the row: a paid order of three units of one product, at a price of one each. It is shipped in parts, closed,
 * cancelled, refunded in part by hand; each is read first, and then written in one batch. Stock is told by `follow`
 * commands that come late, out of order, repeatedly or never, and by the alarm of the hold. Another buyer takes what
 * becomes free. Refunds are sent by workers that may die between the provider's answer and the mark.
 *
 * The scene: the stock's side, or with -DMONEY the money's; they share the order's row and nothing else.
 *
 * Planted faults, and the property that each must break:
 *   -DFOLLOW_FIRST         a cancel frees the stock before its batch, which a shipment may beat  (living_is_held)
 *   -DANY_ORDER            a `follow` is applied whether or not it is newer                      (never_unshipped)
 *   -DBY_DELTA             a `follow` says what the last step changed, not what there is now     (levels, sold_once)
 *   -DNO_STAMP             a batch does not ask whether the order has the version that was read  (ship_or_cancel)
 *   -DREFUND_IS_NO_CHANGE  a refund by hand leaves the order's version alone                     (never_more_back)
 *   -DFRESH_KEY            each try at a refund goes to the provider under a key of its own      (back_once)
 *   -DASKS_ONCE            a hold that saw a living order never asks again                       (calm_levels)
 *   -DCANCEL_OWES_NOTHING  a cancel gives no money back                                          (calm_money)
 *   -DCLOSE_OWES_NOTHING   closing the rest gives no money back                                  (calm_money)
 *   -DSETTLED_FIRST        a refund is marked as settled before it is sent                       (calm_refunds)
 *   -DSPINS                a hold that learnt nothing new asks again at once                     (comes_to_rest)
 */
#define UNITS 3                                           /* and what was paid for them */

mtype = { confirmed, closed, cancelled };                 /* the order's row; a closed one shipped something */
mtype = { nothing, due, settled };                        /* a refund's row */
mtype order = confirmed; byte version = 1, keep = UNITS, shipped = 0;
mtype refund[3] = nothing; byte amount[3], back[3];       /* 0 by hand, 1 of a cancel, 2 of a close; what the provider gave back */
byte on_hand = UNITS, reserved = UNITS, left = 0, applied = 1; /* the Stock object; its claim at a version of the order */
byte sold = 0, deaths = 0; bool unshipped = false, calm = false;

#define SUM(of) (of[0] + of[1] + of[2])
#ifdef NO_STAMP
#define AS_READ true
#else
#define AS_READ (version == v)
#endif
#ifdef ANY_ORDER
#define NEWER(v) true
#else
#define NEWER(v) (v > applied)
#endif

#ifdef SPINS
#define NEWS true
#else
#define NEWS (applied < version)
#endif

inline owe(row, sum) { d_step { if :: sum > 0 -> amount[row] = sum; refund[row] = due :: else fi } }
inline tell(v, k, s) { d_step {                           /* `follow`; a claim that let go of everything is settled */
  if :: NEWER(v) && reserved > 0 ->
        unshipped = unshipped || s < left; on_hand = on_hand + left - s; left = s; reserved = k; applied = v
     :: else fi } }

proctype Ship() {                                         /* one unit */
  byte v = 0;
  d_step { v = version };
  d_step { if :: AS_READ && order == confirmed && keep > 0 -> keep--; shipped++; version++ :: else fi }
}

proctype Close() {
  byte v = 0, back_for_it = 0;
  d_step { v = version; back_for_it = UNITS - SUM(amount);
           if :: keep < back_for_it -> back_for_it = keep :: else fi };
  if
  :: order == confirmed && shipped > 0 && keep > 0 ->
     d_step { if :: AS_READ && order == confirmed ->
                    order = closed; version++;
#ifndef CLOSE_OWES_NOTHING
                    owe(2, back_for_it);
#endif
                    keep = 0
                 :: else fi }
  :: else
  fi
}

proctype Cancel() {
  byte v = 0, given = 0; bool free = false;
  d_step { v = version; given = SUM(amount); free = (order == confirmed && shipped == 0) };
  if
  :: free ->
#ifdef FOLLOW_FIRST
     tell(v + 1, 0, 0);
#endif
     d_step { if :: AS_READ -> order = cancelled; version++; keep = 0;
#ifndef CANCEL_OWES_NOTHING
                    owe(1, UNITS - given)
#endif
                 :: else fi }
  :: else
  fi
}

proctype RefundByHand() {                                 /* a third of it */
  byte v = 0, given = 0;
  if
  :: d_step { v = version; given = SUM(amount) };
     d_step { if :: AS_READ && given < UNITS -> owe(0, 1);
#ifndef REFUND_IS_NO_CHANGE
                    version++
#endif
                 :: else fi }
  :: skip
  fi
}

proctype Follow() {                                       /* taken from D1 at any moment, applied at any later one, and again */
  byte v = 0, k = 0, s = 0;
  if
  :: d_step { version > 1 -> v = version; k = keep; s = shipped };
#ifndef BY_DELTA
     tell(v, k, s); tell(v, k, s)
#else
     d_step { if :: s > 0 -> on_hand--; reserved--; left++ :: else fi };
     d_step { if :: k == 0 -> reserved = 0 :: else fi }
#endif
  :: skip
  fi
}

proctype Alarm() {                                        /* asks D1, then does as it says; and again */
  byte v = 0, k = 0, s = 0;
#ifdef ASKS_ONCE
  bool seen = false;
#else
#define seen false
#endif
end: do
  :: atomic { reserved > 0 && !seen && NEWS -> v = version; k = keep; s = shipped };
#ifdef ASKS_ONCE
     seen = (order == confirmed);
#endif
     tell(v, k, s); d_step { v = 0; k = 0; s = 0 }
  od
}

proctype Refunder(byte row) {                             /* the provider knows the row's id, and answers a repeat as before */
end:
again:
  refund[row] == due;
#ifdef SETTLED_FIRST
  refund[row] = settled; if :: deaths < 2 -> deaths++; goto again :: skip fi;
#endif
  d_step { if :: back[row] == 0 -> back[row] = amount[row]
#ifdef FRESH_KEY
              :: back[row] > 0 -> back[row] = back[row] + amount[row]
#endif
              :: else fi };
  if :: deaths < 2 -> deaths++; goto again :: skip fi;
  refund[row] = settled; goto again
}

proctype Rival() {
end: do
  :: d_step { on_hand > reserved -> on_hand--; sold++ }
  od
}

init {
  atomic { run Ship(); run Ship(); run Close(); run Cancel();
#ifdef MONEY
    run RefundByHand(); run Refunder(0); run Refunder(1); run Refunder(2)
#else
    run Follow(); run Follow(); run Alarm(); run Rival()
#endif
  };
  timeout -> calm = true
}

#define WHOLE(row) (back[row] == 0 || back[row] == amount[row])
#define OWES(sum)  (SUM(amount) >= sum)

ltl living_is_held  { [] (order == confirmed -> reserved >= keep) }
ltl levels          { [] (reserved <= on_hand && on_hand <= UNITS) }
ltl never_unshipped { [] !unshipped }
ltl sold_once       { [] (sold + shipped <= UNITS) }
ltl ship_or_cancel  { [] !(order == cancelled && shipped > 0) }
ltl never_more_back { [] (SUM(amount) <= UNITS) }
ltl back_once       { [] (WHOLE(0) && WHOLE(1) && WHOLE(2)) }
ltl calm_levels     { [] (calm -> (reserved == keep && left == shipped && on_hand == UNITS - shipped - sold)) }
ltl calm_money      { [] (calm -> (order != cancelled || OWES(UNITS)) && (order != closed || OWES(UNITS - shipped))) }
ltl calm_refunds    { [] (calm -> SUM(back) == SUM(amount)) }
ltl never_calm      { [] !calm }
