// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claims} from "./base/Claims.sol";
import {Court} from "./base/Court.sol";
import {IDeals} from "./interfaces/IDeals.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IOpenings} from "./interfaces/IOpenings.sol";
import {IReferee} from "./interfaces/IReferee.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {Mode, Offer} from "./interfaces/ITypes.sol";

/// @title Disputes
/// @notice See {IDisputes}.
/// @custom:invariant a game whose clock is asked ends within both clocks and the arbiter's time
/// @custom:invariant who makes right moves in time ends with no less than it began with, gas aside
contract Disputes is Claims {
    /// @dev Of each side, for all its moves of a game.
    uint32 private constant CLOCK = 8 hours;
    /// @dev With both clocks 33 hours, which evidence and thaws are reckoned by.
    uint32 private constant ARBITER_CLOCK = 17 hours;

    constructor(
        address authority,
        ITallystick settlement,
        IOpenings openings,
        uint64 price
    ) Court(authority, settlement, openings) {
        _setPrice(price);
    }

    /// @inheritdoc IDisputes
    function challenge(
        uint32 id,
        Shown calldata shown,
        Offer calldata offer,
        uint64 nonce
    ) external returns (bytes32 game) {
        uint32 clock = SETTLEMENT.tick();
        (Proven memory proven, IDeals.DealView memory deal) = _prove(id, shown);
        require(shown.source != Source.Signed && deal.mode != uint8(Mode.Net), DisputesNotProvable(id));
        _requireOpen(id, proven, shown.source);
        _requireOffer(deal, offer, nonce);
        IReferee.Claim memory claim = _claimOf(id, proven, deal.provider, offer);
        bytes32 claimId = keccak256(abi.encode(claim));
        uint64 bond = _bondOf(claimId, claim);
        if (_isNew(claimId)) _openClaim(claimId, claim, proven, clock);

        Game memory self;
        (self.claim, self.number, self.challenger, self.bond) = (claimId, _addGame(claimId), msg.sender, bond);
        (self.referee, self.provider) = (claim.referee, claim.provider);
        (self.moved, self.asserterTime, self.challengerTime) = (clock, CLOCK, CLOCK);
        (self.state, self.turn) = claim.referee.first(claim);
        require(self.turn <= IReferee.Turn.Challenger, DisputesNotProvable(id));
        game = _idOf(self);
        gameHash[game] = keccak256(abi.encode(self));
        emit Challenged(claimId, game, claim, self);

        _pull(bond);
    }

    /// @inheritdoc IDisputes
    function play(IReferee.Claim calldata claim, Game calldata game, bytes calldata move) external {
        uint32 clock = SETTLEMENT.tick();
        (bytes32 claimId, bytes32 gameId) = _requireFacts(claim, game, ClaimState.Open);
        (Game memory next, bool isNew) = _timed(gameId, game, move, clock);
        uint256 pulled = isNew ? _postBond(claimId, claim) : 0;
        (next.state, next.turn) = claim.referee.next(claim, game.state, game.turn, move);
        emit Moved(gameId, next.moved, move);

        if (next.turn > IReferee.Turn.Arbiter) _end(claimId, gameId, claim, game, next.turn, false);
        else gameHash[gameId] = keccak256(abi.encode(next));
        if (pulled != 0) _pull(pulled);
    }

    /// @inheritdoc IDisputes
    function advance(Game calldata game, bytes calldata move) external {
        uint32 clock = SETTLEMENT.tick();
        bytes32 gameId = _requireGame(game, ClaimState.Open);
        (Game memory next, bool isNew) = _timed(gameId, game, move, clock);
        (next.state, next.turn) = game.referee.advance(game.state, game.turn, move);
        bool holds = next.turn <= IReferee.Turn.Arbiter && (!isNew || _hasBond(game.claim));
        require(holds, DisputesNeedsClaim(gameId));
        gameHash[gameId] = keccak256(abi.encode(next));
        emit Moved(gameId, next.moved, move);
    }

    /// @inheritdoc IDisputes
    function timeOut(IReferee.Claim calldata claim, Game calldata game) external {
        uint32 clock = SETTLEMENT.tick();
        (bytes32 claimId, bytes32 gameId) = _requireFacts(claim, game, ClaimState.Open);
        IReferee.Turn outcome = IReferee.Turn.Drawn;
        uint32 time = ARBITER_CLOCK;
        if (game.turn == IReferee.Turn.Asserter) {
            (outcome, time) = (IReferee.Turn.ChallengerWon, game.asserterTime);
            (bytes28 known, uint32 at_) = moveOf(claimId, game.state);
            // a move that was made in time counts in every game that stands there
            require(known == 0 || at_ > game.moved + time, DisputesMoveKnown(known));
        } else if (game.turn == IReferee.Turn.Challenger) {
            (outcome, time) = (IReferee.Turn.AsserterWon, game.challengerTime);
        }
        require(clock > game.moved + time, CourtWrongTime(clock, game.moved + time));
        _end(claimId, gameId, claim, game, outcome, true);
    }

    /// @inheritdoc IDisputes
    function conclude(IReferee.Claim calldata claim, Game calldata game) external {
        (bytes32 claimId, bytes32 gameId) = _requireFacts(claim, game, ClaimState.Refuted);
        _closeGame(claimId, gameId);
        owed[game.challenger] += game.bond;
        emit Ended(claimId, gameId, IReferee.Turn.ChallengerWon, false);
    }

    /// @notice A game after the time for this move, without what the move leads to.
    /// @return next The game with its clocks set.
    /// @return isNew Whether the asserter makes this move for the first time.
    function _timed(
        bytes32 gameId,
        Game calldata game,
        bytes calldata move,
        uint32 clock
    ) private returns (Game memory next, bool isNew) {
        next = game;
        if (game.turn == IReferee.Turn.Asserter) {
            (next.moved, isNew) = _moveAsserter(game, move, clock);
            require(next.moved - game.moved <= game.asserterTime, DisputesTooLate(gameId));
            next.asserterTime -= next.moved - game.moved;
            return (next, isNew);
        }
        bool isChallengers = game.turn == IReferee.Turn.Challenger;
        require(!isChallengers || msg.sender == game.challenger, CourtUnauthorized(msg.sender));
        uint32 spent = clock - game.moved;
        require(spent <= (isChallengers ? game.challengerTime : ARBITER_CLOCK), DisputesTooLate(gameId));
        next.moved = clock;
        if (isChallengers) next.challengerTime -= spent;
    }

    /// @notice The asserter's move: its own, the first in this state, or a repetition of that by anyone.
    /// @return moved Until when its clock ran: now, or when it made the move elsewhere. From then on the challenger's
    /// runs, who can repeat it as well.
    /// @return isNew Whether it is its own.
    function _moveAsserter(
        Game calldata game,
        bytes calldata move,
        uint32 clock
    ) private returns (uint32 moved, bool isNew) {
        (bytes28 known, uint32 at_) = moveOf(game.claim, game.state);
        bytes28 hash = bytes28(keccak256(move));
        if (known == 0) {
            require(_isPlayer(game.provider), CourtUnauthorized(msg.sender));
            _keepMove(game.claim, game.state, hash, clock);
            return (clock, true);
        }
        require(hash == known, DisputesOtherMove(known));
        moved = at_ > game.moved ? at_ : game.moved;
    }

    function _end(
        bytes32 claimId,
        bytes32 gameId,
        IReferee.Claim calldata claim,
        Game calldata game,
        IReferee.Turn outcome,
        bool byTime
    ) private {
        _closeGame(claimId, gameId);
        emit Ended(claimId, gameId, outcome, byTime);
        if (outcome == IReferee.Turn.AsserterWon) {
            _share(game.bond, _payeeOf(claimId, claim.provider));
        } else {
            owed[game.challenger] += game.bond;
        }
        if (outcome == IReferee.Turn.ChallengerWon) _refute(claimId, claim, game.challenger, byTime);
        else _uphold(claimId, claim);
    }

    /// @notice An open game of a claim that is in `state`, by their facts.
    function _requireFacts(
        IReferee.Claim calldata claim,
        Game calldata game,
        ClaimState state
    ) private view returns (bytes32 claimId, bytes32 gameId) {
        (claimId, gameId) = (keccak256(abi.encode(claim)), _requireGame(game, state));
        require(game.claim == claimId, CourtOtherFacts(gameId));
    }

    /// @notice An open game of a claim that is in `state`, by its facts.
    function _requireGame(Game calldata game, ClaimState state) private view returns (bytes32 gameId) {
        gameId = _idOf(game);
        bool holds = gameHash[gameId] == keccak256(abi.encode(game)) && _stateOf(game.claim) == state;
        require(holds, CourtOtherFacts(gameId));
    }

    function _idOf(Game memory game) private pure returns (bytes32) {
        return keccak256(abi.encode(game.claim, game.number));
    }
}
