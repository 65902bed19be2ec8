// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourt} from "../../../contracts/interfaces/ICourt.sol";
import {IDisputes} from "../../../contracts/interfaces/IDisputes.sol";
import {IReferee} from "../../../contracts/interfaces/IReferee.sol";
import {DealTerms, Kind, Offer, Outcome} from "../../../contracts/interfaces/ITypes.sol";
import {Vm} from "./Probe.sol";
import {Steps} from "./Steps.sol";

/// @notice Random games about forced receipts: one provider is honest and one is not, and so are the challengers.
/// @dev A receipt is of a machine that hashes its state four times. Each stands alone in its stream.
abstract contract CourtHandler is Steps {
    /// @notice A settled receipt. A wrong one errs in its last step.
    struct Result {
        uint256 job;
        uint8 stream;
        bool wrong;
        bytes32[5] states;
        bytes place;
        bytes receipts;
        uint64 amount; // that came in dispute with its claim
        uint32 settledAt;
        bytes32 claim;
    }

    /// @notice An open game, as its events told it.
    struct Played {
        uint256 result;
        bool honest;
        uint32 openedAt;
        uint256 moves;
        bytes32 id;
        IReferee.Claim claim;
        IDisputes.Game game;
    }

    uint256 internal constant HONEST = 0;
    uint256 internal constant LIAR = 1;
    uint256 internal constant STREAMS = 40;
    uint40 internal constant UNITS = 100;
    uint64 internal constant PRICE = 1000;
    uint256 private constant DURATION = 30 days;
    uint256 public constant FUNDS = 1e15;
    address public constant CHALLENGER = address(0xc4a1);
    address public constant GRIEFER = address(0x6e1f);
    bytes32 private constant CHALLENGED = keccak256(
        "Challenged(bytes32,bytes32,(uint32,bytes32,uint8,uint24,uint24,uint40,uint32,bytes32,uint32,bytes32,uint8,address,address),(bytes32,address,uint32,uint16,address,uint64,uint32,uint32,uint32,uint8,bytes))"
    );
    bytes32 private constant MOVED = keccak256("Moved(bytes32,uint32,bytes)");
    /// @dev Moves of a game about four steps: result, where to look, the states between, which step errs.
    uint256 private constant MOST_MOVES = 4;
    bytes32 internal constant TALLY_TYPEHASH = keccak256(
        "Tally(bytes32 dealKey,uint8 stream,uint32 first,uint32 count,uint48 units,bytes32 segment)"
    );

    IDisputes public disputes;
    Result[] internal _settled;
    Played[] internal _games;
    /// @notice Games that took more moves than there are, or longer than both clocks though somebody looked every few
    /// hours.
    uint256 public overlong;
    /// @notice Calls that were refused though nothing seemed to be in the way.
    uint256 public refused;
    /// @notice Claims that ended against the truth although the honest side played.
    uint256 public unjust;
    /// @dev Each provider's present deal, and how many of its streams are taken.
    uint256[2] internal _posts;
    uint8[2] private _streams;

    constructor() {
        _join(HONEST);
        _join(LIAR);
        for (uint256 seller = 0; seller < 2; ++seller) _hire(seller);
        address[4] memory all = [CHALLENGER, GRIEFER, _owner(HONEST), _owner(LIAR)];
        for (uint256 i = 0; i < 4; ++i) {
            dollar.mint(all[i], FUNDS);
            vm.prank(all[i]);
            dollar.approve(address(disputes), FUNDS);
        }
        _pass(2 hours);
    }

    /// @notice Settles a receipt: an honest provider's is right, another's may not be.
    function settle(uint256 seed) external virtual {
        _deliver(seed % 2, seed);
    }

    function _deliver(uint256 seller, uint256 seed) internal returns (uint256 index) {
        bool isOver = tally.clock() + DAY > tally.deal(_jobs[_posts[seller]].id).end;
        if (_streams[seller] == STREAMS || isOver) {
            _hire(seller);
            _live(1);
        }
        Result storage self = _settled.push();
        (self.job, self.stream) = (_posts[seller], _streams[seller]++);
        self.wrong = seller == LIAR && (seed >> 1) % 3 != 0;
        self.states[0] = keccak256(abi.encode(seed));
        for (uint256 i = 1; i < 5; ++i) self.states[i] = keccak256(abi.encode(self.states[i - 1]));
        if (self.wrong) self.states[4] = keccak256(abi.encode(seed, "error"));
        bytes32 workHash = keccak256(abi.encode(self.states[0], uint64(4), self.states[4]));
        self.receipts = abi.encodePacked(uint24(UNITS), workHash);
        _force(self);
        return _settled.length - 1;
    }

    /// @notice Challenges a receipt: the honest challenger only what is wrong.
    function challenge(uint256 seed, bool honest) external virtual {
        uint256 index = _challengeable(seed, honest);
        if (index < _settled.length) _challenge(index, honest);
    }

    function _challenge(uint256 index, bool honest) internal {
        Result storage self = _settled[index];
        ICourt.Shown memory shown = ICourt.Shown(ICourt.Source.Stream, 0, 0, self.place, self.receipts, "");
        uint64 before = tally.disputed();
        vm.recordLogs();
        vm.prank(honest ? CHALLENGER : GRIEFER);
        try disputes.challenge(_jobs[self.job].id, shown, _jobs[self.job].offer, _jobs[self.job].nonce) {
            _note(index, honest);
            if (disputes.claimOf(self.claim).open == 1) self.amount = tally.disputed() - before;
        } catch {
            ++refused;
        }
    }

    /// @dev A receipt that nothing keeps from being challenged; as many as there are if none is.
    function _challengeable(uint256 seed, bool honest) internal view returns (uint256) {
        uint256 count = _settled.length;
        for (uint256 i = 0; i < count; ++i) {
            Result storage self = _settled[((seed % count) + i) % count];
            IDisputes.ClaimView memory claim = disputes.claimOf(self.claim);
            bool isFinal = tally.clock() >= self.settledAt + 2 days || claim.state == IDisputes.ClaimState.Refuted;
            if (!isFinal && claim.open < 4 && (self.wrong || !honest)) return ((seed % count) + i) % count;
        }
        return count;
    }

    /// @notice Makes the next move of some game, as its player is.
    function move(uint256 seed) external virtual {
        if (_games.length != 0) _play(seed % _games.length, seed >> 8);
    }

    /// @notice Lets time pass. Who is honest moves before, and then somebody looks after every clock.
    function pass(uint256 span) external virtual {
        _live(_within(span, 1, 5));
    }

    /// @dev As many hours, of which somebody looks after every fifth.
    function _live(uint256 hours_) internal {
        for (uint256 i = 1; i <= hours_; ++i) {
            _honestMoves();
            _pass(1 hours);
            if (i % 5 != 0 && i != hours_) continue;
            _honestMoves();
            _crank();
        }
    }

    /// @notice Bonds of open games and of asserters.
    function bound() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _games.length; ++i) sum += _games[i].game.bond;
        for (uint256 i = 0; i < _settled.length; ++i) sum += disputes.claimOf(_settled[i].claim).bond;
    }

    /// @notice What the settlement should hold in disputes.
    function inDispute() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _settled.length; ++i) if (_isDisputed(i)) sum += _settled[i].amount;
    }

    /// @notice What an honest player has, has bound, and is owed.
    function wealthOf(address account) external view returns (uint256 sum) {
        sum = dollar.balanceOf(account) + disputes.owed(account);
        for (uint256 i = 0; i < _games.length; ++i) {
            if (_games[i].game.challenger == account) sum += _games[i].game.bond;
        }
        for (uint256 i = 0; i < _settled.length; ++i) {
            IDisputes.ClaimView memory claim = disputes.claimOf(_settled[i].claim);
            if (claim.payer == account) sum += claim.bond;
        }
    }

    /// @notice Everybody who may be owed something.
    function players() external view returns (address[6] memory) {
        address payout = registry.payoutOf(_sellers[HONEST].id);
        address other = registry.payoutOf(_sellers[LIAR].id);
        return [CHALLENGER, GRIEFER, _owner(HONEST), _owner(LIAR), payout, other];
    }

    /// @dev Told of everything that may have slashed somebody.
    function _heard(Vm.Log[] memory logs) internal virtual {}

    function _courts(address manager) internal virtual override returns (address[] memory courts) {
        address openings = _deploy("Openings.sol:Openings", abi.encode(tally));
        bytes memory arguments = abi.encode(manager, tally, openings, uint64(50_000));
        disputes = IDisputes(_deploy("Disputes.sol:Disputes", arguments));
        disputes.setReferee(uint8(Kind.Repeatable), IReferee(_deploy("CounterReferee.sol:CounterReferee", "")));
        courts = new address[](1);
        courts[0] = address(disputes);
    }

    function _owner(uint256 seller) internal view returns (address) {
        return vm.addr(_sellers[seller].owner);
    }

    function _hire(uint256 seller) private {
        Offer memory offer = _offer(seller, 0);
        (offer.price, offer.rateCap, offer.openingFee) = (PRICE, 3_600_000, 0);
        DealTerms memory terms = _terms(1, uint64(100 * USD));
        (terms.exposure, terms.streams, terms.duration) = (1e9, uint8(STREAMS), uint32(DURATION));
        (_posts[seller], _streams[seller]) = (_take(0, seller, offer, terms, false), 0);
    }

    /// @dev The provider's owner forces a group of one receipt.
    function _force(Result storage self) private {
        (uint32 id, bytes32 key) = (_jobs[self.job].id, _jobs[self.job].key);
        uint256 seller = _jobs[self.job].provider;
        Hand memory hand = _hands[_sellers[seller].firstWorker];
        bytes32 hash = keccak256(abi.encode(TALLY_TYPEHASH, key, self.stream, 0, 1, UNITS, keccak256(self.receipts)));
        bytes memory head = abi.encodePacked(
            uint40(uint256(id) * 64 + self.stream),
            uint32(0),
            hand.index,
            uint24(0),
            uint16(1),
            uint40(UNITS)
        );
        bytes memory batch = abi.encodePacked(hex"0002", head, _signCompact(hand.key, _digest(hash)), self.receipts);
        address owner = _owner(seller);
        vm.prank(owner, owner);
        bytes memory facts = tally.settle(batch, "");
        require(
            uint8(facts[0]) <= uint8(Outcome.Clamped),
            string.concat("not settled: ", vm.toString(uint8(facts[0])))
        );
        self.settledAt = tally.clock();
        bytes memory signed = abi.encodePacked(key, self.stream, uint24(0), uint24(1), uint40(UNITS));
        self.place = abi.encodePacked(id, tally.clock(), bytes27(0), bytes16(facts), signed);
    }

    function _note(uint256 index, bool honest) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != CHALLENGED) continue;
            Played storage self = _games.push();
            (self.result, self.honest, self.openedAt) = (index, honest, tally.clock());
            (self.id, _settled[index].claim) = (logs[i].topics[2], logs[i].topics[1]);
            (self.claim, self.game) = abi.decode(logs[i].data, (IReferee.Claim, IDisputes.Game));
        }
    }

    function _play(uint256 at_, uint256 seed) internal returns (bool moved) {
        Played storage self = _games[at_];
        Result storage result = _settled[self.result];
        bool asserts = self.game.turn == IReferee.Turn.Asserter;
        if (disputes.claimOf(self.game.claim).state == IDisputes.ClaimState.Refuted) return false;
        bytes memory move_ = asserts ? _assertion(result, self.game.state) : _objection(self, result, seed);
        vm.recordLogs();
        vm.prank(asserts ? _owner(_jobs[result.job].provider) : self.game.challenger);
        // half of the moves that need no claim are made without it
        if (asserts && self.game.state.length != 0 && seed & 1 == 0) {
            try disputes.advance(self.game, move_) {
                moved = true;
            } catch {} // as below
        } else {
            try disputes.play(self.claim, self.game, move_) {
                moved = true;
            } catch {} // too late
        }
        if (!moved) ++refused;
        else _follow(at_, move_);
    }

    /// @dev Brings a game's facts up to the move that was recorded.
    function _follow(uint256 at_, bytes memory move_) private {
        Played storage self = _games[at_];
        if (++self.moves > MOST_MOVES) ++overlong;
        (bytes memory state, IReferee.Turn turn) = self.claim.referee.next(
            self.claim,
            self.game.state,
            self.game.turn,
            move_
        );
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _heard(logs);
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != MOVED) continue;
            (uint32 until, ) = abi.decode(logs[i].data, (uint32, bytes));
            if (self.game.turn == IReferee.Turn.Asserter) self.game.asserterTime -= until - self.game.moved;
            else self.game.challengerTime -= until - self.game.moved;
            self.game.moved = until;
        }
        (self.game.state, self.game.turn) = (state, turn);
        if (turn > IReferee.Turn.Arbiter) _judge(at_);
    }

    function _assertion(Result storage result, bytes memory state) private view returns (bytes memory) {
        bytes32[5] memory states = result.states;
        if (state.length == 0) return abi.encode(states[0], uint64(4), states[4]);
        return abi.encode([states[1], states[2], states[3]]);
    }

    /// @dev The error is in the last step; a griefer points anywhere.
    function _objection(Played storage self, Result storage result, uint256 seed) private view returns (bytes memory) {
        return abi.encode(self.honest && result.wrong ? uint64(3) : uint64(seed % 4));
    }

    /// @dev Takes a game off that has ended by a move or by time.
    function _judge(uint256 at_) private {
        Played storage self = _games[at_];
        IDisputes.ClaimState state = disputes.claimOf(self.game.claim).state;
        if (_isHonest(self.result) && state == IDisputes.ClaimState.Refuted) ++unjust;
        if (self.honest && state != IDisputes.ClaimState.Refuted) ++unjust;
        _drop(at_);
    }

    function _isHonest(uint256 result) internal view returns (bool) {
        return _jobs[_settled[result].job].provider == HONEST;
    }

    function _isDisputed(uint256 result) internal view returns (bool) {
        return disputes.claimOf(_settled[result].claim).state == IDisputes.ClaimState.Open;
    }

    function _drop(uint256 at_) private {
        if (at_ != _games.length - 1) _games[at_] = _games[_games.length - 1];
        _games.pop();
    }

    function _honestMoves() private {
        for (uint256 i = 0; i < _games.length;) {
            uint256 count = _games.length;
            Played storage self = _games[i];
            bool asserts = self.game.turn == IReferee.Turn.Asserter;
            bool isHonest = asserts ? _isHonest(self.result) : self.honest;
            bool moved = isHonest && _play(i, 0);
            if (!moved && _games.length == count) ++i;
        }
    }

    /// @dev From the last game on, because those that end are taken off.
    function _crank() private {
        for (uint256 i = _games.length; i != 0; --i) {
            Played storage self = _games[i - 1];
            if (tally.clock() - self.openedAt > 16 hours + 6 hours) ++overlong;
            if (disputes.claimOf(self.game.claim).state == IDisputes.ClaimState.Refuted) {
                disputes.conclude(self.claim, self.game);
                _drop(i - 1);
                continue;
            }
            (bytes28 known, ) = disputes.moveOf(self.game.claim, self.game.state);
            if (self.game.turn == IReferee.Turn.Asserter && known != 0 && _play(i - 1, 0)) continue;
            vm.recordLogs();
            try disputes.timeOut(self.claim, self.game) {
                _heard(vm.getRecordedLogs());
                _judge(i - 1);
            } catch {} // its clock runs
        }
    }
}
