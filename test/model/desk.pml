/* Two drafts that the desk places as one group, in one batch, and the two workers that handed them in: each goes on alone
 * whenever its patience is over, while the desk perhaps goes on too. The desk and the workers may die at any step (who hangs
 * for ever is as good as dead), and each call may be answered as late as it likes. There are the holds' alarms; and when all
 * is calm, each buyer with a key asks again.
 *
 * One step is one call: a batch to D1, or an RPC to the Stock object. What a claim of two products goes through is
 * placing.pml's; what becomes of a cart once an order of it dies, cart.pml's.
 *
 * The scene; draft 0 has a key and draft 1 has none, and there are units for both, unless it says otherwise:
 *   -DFAILS        a call fails, with its effect or without; a record may also come late, after it was taken for lost
 *   -DFAILS_TWICE  two calls to D1 fail
 *   -DLAST_UNIT    there is one unit
 *   -DSPOILS       one of the drafts, whichever, is refused by SQLite, and the batch with it
 *   -DTABS         both check out one cart, each under a key of its own: they contend, so they are in two groups
 *   -DTWINS        both came under one key: likewise
 *
 * Planted faults, and the property that each must break:
 *   -DLETS_GO_FIRST     who goes on without a key lets go before its claim's fate is written      (living_is_held)
 *   -DNO_FENCE          an alarm lets go a claim without a fate, without writing one              (living_is_held)
 *   -DRELEASE_BY_DELTA  a release adds a unit, whether or not one was held                        (sold_once)
 *   -DFRESH_AT_ONCE     who goes on without a key does not give up the claim that the desk has    (one_order)
 *   -DDISOBEYS          it gives that claim up, and does not look which fate then stands          (one_order)
 *   -DOVERWRITES        a record does not yield to a fate that stands                             (one_order)
 *   -DTABS_TOGETHER     two drafts of one cart are in one group                                   (one_living, with -DTABS)
 *   -DANSWERS_UNREAD    who has sent a record answers what it proposed, not what then stands      (told_true, with -DSPOILS)
 *   -DGIVES_UP_AS_SENT  who gives up a claim does so under the stamp of its record                (told_true, with -DFAILS)
 *   -DSTAMP_OF_DRAFT    the stamp comes with the draft, so the desk and its worker share it       (told_true, with -DFAILS)
 *   -DOWN_CART_SPENT    who asks for a claim that its key had before is told who has its cart    (told_true, with -DTABS)
 *   -DUNKNOWN_AT_ONCE   without a key, a desk that is silent leaves the outcome unknown           (known)
 *   -DTWINS_TOGETHER    two drafts of one key are in one group                                    (undisturbed, with -DTWINS)
 *   -DSENT_AGAIN        a record that was not answered is sent again under its stamp              (undisturbed, with -DFAILS)
 *   -DNO_HALVES         a batch that SQLite refused is given up as a whole                        (enough_places, with -DSPOILS)
 *   -DHASTY             who goes on under a fresh claim reserves before the first has let go      (enough_places)
 *   -DSAME_CLAIM        who has given its claim up goes on under it                               (enough_places)
 *   -DNO_TOMBSTONE      a claim that held nothing when it was let go may hold later               (enough_places)
 *   -DASKS_ONCE         a hold whose question got no answer never asks again                      (calm_holds)
 *   -DWAITS             a worker waits for its desk, however long                                 (calm_told)
 *   -DNO_RENEWAL        a key keeps the claim that was abandoned                                  (calm_key)
 *   -DSENT_FOR_EVER     a draft that SQLite refuses alone is sent again                           (comes_to_rest, with -DSPOILS)
 */
mtype = { none, placed, rejected, abandoned };            /* a claim's fate: its row in D1; also a key's stored answer */
mtype = { cart_spent, try_again, unknown };               /* what else a buyer may be told */
#define NOBODY 9
#ifdef FAILS_TWICE
#define FAILURES 2
#elif defined(FAILS)
#define FAILURES 1
#else
#define FAILURES 0
#endif

/* Draft d has the claims d and d + 2, one after the other; twins share those of their key. */
#ifdef TWINS
#define KEY(d)      0
#else
#define KEY(d)      d
#endif
#if defined(TWINS) || defined(TABS)
#define KEYED(d)    true
#else
#define KEYED(d)    (d == 0)
#endif
#if (defined(TWINS) && !defined(TWINS_TOGETHER)) || (defined(TABS) && !defined(TABS_TOGETHER))
#define TOGETHER    false
#else
#define TOGETHER    true
#endif
#ifdef LAST_UNIT
#define UNITS 1
#else
#define UNITS 2
#endif

mtype fate[4] = none, answer[2] = none; byte stamp[4], key[2];
bool hold[4], gone[4]; byte avail = UNITS;                /* in the Stock object */
mtype told[2] = none; bool waits[2] = true, died[2];      /* the buyer, and its worker */
byte spoiler = NOBODY, lost; bool at_last, calm;
bool asked, disturbed;                                    /* an alarm came before the fate; a batch was refused for nothing */
bool late; byte late_of, late_who, late_c[2], late_r[2];  /* a record that comes late */
#ifdef ASKS_ONCE
bool unheard[4];
#define ASKS(c)     (hold[c] && !unheard[c])
#else
#define ASKS(c)     hold[c]
#endif

#define HAS(m, d)   ((m >> d) & 1)
#define DEAD(c)     (fate[c] == rejected || fate[c] == abandoned)
#define LIVES(c)    (fate[c] == placed)
#define ROW(c)      (fate[c] == placed || fate[c] == rejected) /* its order's row is there, if only as rejected */
#define LIVING      (LIVES(0) + LIVES(1) + LIVES(2) + LIVES(3))
#define PROPOSED(r) (r == 1 -> placed : (r == 0 -> rejected : abandoned))
#ifdef TABS
#define SPENT       (LIVING > 0)
#else
#define SPENT       false
#endif
#ifdef OWN_CART_SPENT
#define RENEWED(d)  false
#else
#define RENEWED(d)  (KEYED(d) && c[d] != KEY(d) + 2 * key[KEY(d)]) /* the key has another claim by now */
#endif
#ifdef STAMP_OF_DRAFT
#define STAMP(w)    9
#else
#define STAMP(w)    (w + 1)                               /* nobody records one claim twice; 0 is of who gives up */
#endif
#ifdef SAME_CLAIM
#define ANEW(d)     d
#else
#define ANEW(d)     (d + 2 * anew)
#endif
#ifdef OVERWRITES
#define YIELDS(c)   false
#else
#define YIELDS(c)   (fate[c] != none)
#endif

inline release(c) { d_step {
#ifdef NO_TOMBSTONE
  if :: hold[c] -> gone[c] = true :: else fi;
#else
  gone[c] = true;
#endif
  if :: hold[c] -> hold[c] = false; avail++
#ifdef RELEASE_BY_DELTA
     :: !hold[c] -> avail++
#endif
     :: else fi } }
inline reserve(c, r) {
  if :: gone[c] -> r = 2
     :: !gone[c] && hold[c] -> r = 1
     :: !gone[c] && !hold[c] && avail > 0 -> avail--; hold[c] = true; r = 1
     :: else -> r = 0 fi }

/* SQLite refuses a batch that inserts a row twice, or what nobody could insert. Nothing of it is written then. */
#define TWICE(c, r, w) (ROW(c) && stamp[c] == STAMP(w) && r != 2)
#define SPOILT(m)      ((spoiler == 0 && HAS(m, 0) && r[0] != 2) || (spoiler == 1 && HAS(m, 1) && r[1] != 2))
#define COLLIDES(m, w) ((HAS(m, 0) && TWICE(c[0], r[0], w)) || (HAS(m, 1) && TWICE(c[1], r[1], w)) || \
  (m == 3 && c[0] == c[1] && fate[c[0]] == none && r[0] != 2 && r[1] != 2))

/* One batch: fates that yield, under its stamp; for who falls by the cart's guard a dead one, under another; joined on the
 * stamp, the answers of the keys. The order's row stands where its fate names it. All guards see the state before it. */
inline commit(m, w) { d_step {
  refused = SPOILT(m) || COLLIDES(m, w);
  disturbed = disturbed || COLLIDES(m, w);
  free = !SPENT;
  d = 0;
  do
  :: d < 2 && !refused && HAS(m, d) ->
     if
     :: YIELDS(c[d])
     :: !YIELDS(c[d]) && (r[d] == 2 || free) -> fate[c[d]] = PROPOSED(r[d]); stamp[c[d]] = STAMP(w)
     :: else -> fate[c[d]] = abandoned
     fi;
     if :: KEYED(d) && r[d] != 2 && stamp[c[d]] == STAMP(w) -> answer[KEY(d)] = PROPOSED(r[d]) :: else fi;
     d++
  :: d < 2 && !(!refused && HAS(m, d)) -> d++
  :: else -> break
  od;
  d = 0; free = false } }
inline give_up(d) {
  if
  :: fate[c[d]] == none -> fate[c[d]] = abandoned;
#ifdef GIVES_UP_AS_SENT
     stamp[c[d]] = STAMP(who)
#endif
  :: else
  fi }

#define MAY_FAIL    (lost < FAILURES && !at_last)
#if defined(SPOILS) || defined(TWINS) || defined(FAILS_TWICE)
#define RPC_FAILS   false                                 /* it does in the scenes that have less to search */
#else
#define RPC_FAILS   MAY_FAIL
#endif
inline may_die() {
  if
  :: skip
  :: !at_last -> if :: who >= 2 -> died[who - 2] = true :: else fi; goto left
  fi }
inline pick(m) { if :: HAS(m, 0) -> d = 0 :: HAS(m, 1) -> d = 1 fi }
/* The desk is heard by who still waits for it. */
inline tell(d, what) {
  if
  :: who < 2 && !waits[d]
  :: else -> told[d] = what; waits[d] = false
  fi;
  open = open & (3 - (1 << d)) }
inline tell_fate(d) {
  if
  :: ROW(c[d]) -> tell(d, fate[c[d]])
  :: else -> tell(d, try_again)
  fi }
inline renew() {
  atomic { pick(dead); release(c[d]); may_die() };
  atomic {
    if
#ifdef NO_RENEWAL
    :: true -> tell(d, try_again)
#else
    :: c[d] >= 2 || answer[KEY(d)] != none -> tell(d, try_again) /* the model has no more claims; or a twin was faster */
    :: else -> key[KEY(d)] = 1; c[d] = KEY(d) + 2
#endif
    fi;
    dead = dead & (3 - (1 << d)); d = 0; now = open;
    may_die();
    if :: open == 0 -> goto left :: dead != 0 -> goto anew_key :: else -> goto reserving fi } }

#ifdef NO_FENCE
#define fence(c) d_step { hold[c] && fate[c] == none } -> release(c)
#elif defined(ASKS_ONCE)
#define fence(c) d_step { hold[c] && fate[c] == none -> fate[c] = abandoned; asked = true; unheard[c] = true }
#else
#define fence(c) d_step { hold[c] && fate[c] == none -> fate[c] = abandoned; asked = true }
#endif

/* The list of drafts `open`, placed by the desk (who is 0 or 1) or by the worker that handed in the one of them. */
proctype Placing(byte who; byte open) {
  byte c[2], r[2], d, now, rest, deaf, dead; bool heard, comes, refused, free, anew;
  if
  :: who < 2 -> goto round
  :: atomic { who >= 2 && told[who - 2] != none -> goto left }
#ifndef WAITS
  :: atomic { who >= 2 && waits[who - 2] -> d = who - 2; waits[d] = false; /* its patience is over, or the desk is dead */
       if
       :: KEYED(d) -> goto round                          /* its key's claim is the desk's as well */
       :: else -> c[d] = d                                /* this claim is nobody else's, so it is given up */
       fi }
#endif
  :: atomic { who >= 2 && waits[who - 2] && !at_last -> waits[who - 2] = false; died[who - 2] = true; goto left }
  fi;
#ifdef UNKNOWN_AT_ONCE
  atomic { tell(d, unknown); goto left };
#endif
#ifdef LETS_GO_FIRST
  release(c[d]);
#endif
#ifndef FRESH_AT_ONCE
  atomic {
    if
    :: give_up(d)
    :: MAY_FAIL -> lost++; tell(d, unknown); goto left
    fi;
#ifndef DISOBEYS
    if :: fate[c[d]] != abandoned -> tell_fate(d); goto left :: else fi;
#endif
    may_die() };
#ifndef HASTY
  atomic { release(c[d]); anew = true; may_die() };
#endif
#endif
  anew = true;
round:
  atomic {                                                /* ask: what stands under the keys */
    d_step {
      d = 0;
      do
      :: d < 2 && HAS(open, d) && KEYED(d) ->
         c[d] = KEY(d) + 2 * key[KEY(d)];
         if
         :: answer[KEY(d)] != none -> tell(d, answer[KEY(d)])
         :: answer[KEY(d)] == none && fate[c[d]] == abandoned -> dead = dead | (1 << d)
         :: else
         fi;
         d++
      :: d < 2 && HAS(open, d) && !KEYED(d) -> c[d] = ANEW(d); d++
      :: d < 2 && !HAS(open, d) -> d++
      :: else -> break
      od;
      d = 0; now = open };
    if :: open == 0 -> goto left :: dead != 0 -> goto anew_key :: else -> goto reserving fi };
anew_key:                                                 /* who was abandoned lets go, and only then gets the next claim */
  renew();
reserving:
  atomic {
    pick(now);
    if
    :: d_step { reserve(c[d], r[d]) }
    :: RPC_FAILS -> lost++; r[d] = 2
    :: RPC_FAILS -> d_step { lost++; reserve(c[d], r[d]); r[d] = 2 }
    fi;
    now = now & (3 - (1 << d)); d = 0;
    may_die();
    if :: now != 0 -> goto reserving :: else -> now = open fi };
record:
  atomic {
    heard = true; comes = true;
    if
    :: skip
    :: MAY_FAIL -> lost++; heard = false;
       if
       :: skip
       :: comes = false
       :: !late -> comes = false; late = true; late_of = now; late_who = who;
          late_c[0] = c[0]; late_c[1] = c[1]; late_r[0] = r[0]; late_r[1] = r[1]
       fi
    fi;
    if :: comes -> commit(now, who) :: else -> refused = false fi;
    comes = false;
    may_die();
    if
    :: heard && !refused -> heard = false; goto obey
#ifndef NO_HALVES
    :: heard && refused && now == 3 ->                    /* in halves, each a commit of its own */
       heard = false; refused = false;
       if :: now = 1; rest = 2 :: now = 2; rest = 1 fi;
       goto record
#endif
#ifdef SENT_FOR_EVER
    :: heard && refused && now != 3 -> goto record
#endif
#ifdef SENT_AGAIN
    :: !heard -> goto record
    :: else -> heard = false; refused = false
#else
    :: else -> heard = false; refused = false             /* nobody knows whether it is written */
#endif
    fi };
  atomic {
    if
    :: if :: HAS(now, 0) -> give_up(0) :: else fi; if :: HAS(now, 1) -> give_up(1) :: else fi
    :: MAY_FAIL -> lost++; deaf = deaf | now
    fi;
    may_die();
obey:                                                     /* what stands */
    if :: rest != 0 -> now = rest; rest = 0; goto record :: else fi;
    d_step {
      d = 0;
      do
      :: d < 2 && HAS(open, d) ->
         if
#ifdef ANSWERS_UNREAD
         :: r[d] == 1 -> tell(d, placed)
#else
         :: HAS(deaf, d) -> if :: !KEYED(d) && r[d] == 1 -> tell(d, unknown) :: else -> tell(d, try_again) fi
#endif
         :: else ->
            if :: DEAD(c[d]) && !(KEYED(d) && fate[c[d]] == abandoned) -> dead = dead | (1 << d) :: else fi;
            if
            :: fate[c[d]] == abandoned && SPENT && !RENEWED(d) -> tell(d, cart_spent)
            :: fate[c[d]] == abandoned && (!SPENT || RENEWED(d)) && KEYED(d) /* once more */
            :: else -> tell_fate(d)
            fi
         fi;
         d++
      :: d < 2 && !HAS(open, d) -> d++
      :: else -> break
      od;
      d = 0; now = 0; deaf = 0; r[0] = 0; r[1] = 0 };
    if :: dead != 0 -> goto letting_go :: else -> goto next fi };
letting_go:
  atomic {
    pick(dead); release(c[d]); dead = dead & (3 - (1 << d)); d = 0;
    may_die();
    if :: dead != 0 -> goto letting_go :: else fi;
next:
    if :: open != 0 -> goto round :: else fi;
left:
    skip;
    d_step { c[0] = 0; c[1] = 0; r[0] = 0; r[1] = 0; d = 0; now = 0; rest = 0; deaf = 0; dead = 0; open = 0;
      heard = false; comes = false; refused = false; free = false; anew = false; who = 0 } }
}

proctype Late() {
  byte c[2], r[2], d; bool refused, free;
end: do
  :: atomic { late ->
       d_step { c[0] = late_c[0]; c[1] = late_c[1]; r[0] = late_r[0]; r[1] = late_r[1] };
       commit(late_of, late_who);
       d_step { late = false; late_of = 0; late_who = 0; late_c[0] = 0; late_c[1] = 0; late_r[0] = 0; late_r[1] = 0;
         c[0] = 0; c[1] = 0; r[0] = 0; r[1] = 0; refused = false } }
  od
}

proctype Alarms() {                                       /* a hold asks its row for as long as it is open */
end: do
  :: fence(0)
  :: fence(1)
  :: fence(2)
  :: fence(3)
  :: atomic { ASKS(0) && DEAD(0) -> release(0) }
  :: atomic { ASKS(1) && DEAD(1) -> release(1) }
  :: atomic { ASKS(2) && DEAD(2) -> release(2) }
  :: atomic { ASKS(3) && DEAD(3) -> release(3) }
  od
}

init {
  atomic {
#ifdef SPOILS
    if :: spoiler = 0 :: spoiler = 1 fi;
#endif
    run Late(); run Alarms(); run Placing(2, 1); run Placing(3, 2);
    if
    :: TOGETHER -> run Placing(0, 3)
    :: else -> run Placing(0, 1); run Placing(1, 2)
    fi
  };
  timeout -> atomic { at_last = true; told[0] = none; died[0] = false; waits[0] = true; run Placing(2, 1) };
  if
  :: KEYED(1) && KEY(1) == 1 ->
     timeout -> atomic { told[1] = none; died[1] = false; waits[1] = true; run Placing(3, 2) }
  :: else
  fi;
  timeout -> calm = true
}

#define STANDS(d)    (LIVES(KEY(d)) || LIVES(KEY(d) + 2))
#define SHORT(d)     (fate[KEY(d)] == rejected || fate[KEY(d) + 2] == rejected)
/* Who is told to try again without a key has no order; with one, its key knows. Whose cart is spent has lost it to another. */
#define TRUE_TO(d)   ((told[d] != placed || STANDS(d)) && (told[d] != rejected || (SHORT(d) && !STANDS(d))) && \
  (told[d] != try_again || KEYED(d) || !STANDS(d)) && (told[d] != cart_spent || (LIVING > 0 && !STANDS(d))))
#define HELD(c)      (!LIVES(c) || hold[c])
#define AT_REST(c)   (!hold[c] || LIVES(c))
#define HEARD(d)     (died[d] || told[d] != none)
#define PLACED(d)    (died[d] || spoiler == d || told[d] == placed)
#define DECIDED(d)   (!KEYED(d) || answer[KEY(d)] != none || spoiler == d || told[d] == cart_spent || \
  (key[KEY(d)] == 1 && fate[KEY(d) + 2] == abandoned))

ltl living_is_held { [] (HELD(0) && HELD(1) && HELD(2) && HELD(3)) }
ltl sold_once      { [] (avail + hold[0] + hold[1] + hold[2] + hold[3] == UNITS) }
ltl one_order      { [] (LIVES(0) + LIVES(2) <= 1 && LIVES(1) + LIVES(3) <= 1) }
ltl one_living     { [] (LIVING <= 1) }
ltl told_true      { [] (TRUE_TO(0) && TRUE_TO(1)) }
ltl known          { [] ((told[0] != unknown && told[1] != unknown) || lost > 0) }
ltl undisturbed    { [] !disturbed }
ltl enough_places  { [] (calm && !asked && lost == 0 -> (PLACED(0) && PLACED(1))) }
ltl calm_holds     { [] (calm -> (AT_REST(0) && AT_REST(1) && AT_REST(2) && AT_REST(3))) }
ltl calm_told      { [] (calm -> (HEARD(0) && HEARD(1))) }
ltl calm_key       { [] (calm -> (DECIDED(0) && DECIDED(1))) }
ltl never_calm     { [] !calm }
