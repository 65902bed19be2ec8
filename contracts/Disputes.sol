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
        (bytes32 claimId, bytes32 gameId) = _requireGame(claim, game, ClaimState.Open);
        Game memory next = game;
        uint256 pulled = 0;
        if (game.turn == IReferee.Turn.Asserter) {
            (next.moved, pulled) = _moveAsserter(claimId, claim, game, move, clock);
            next.asserterTime -= next.moved - game.moved;
        } else if (game.turn == IReferee.Turn.Challenger) {
            require(msg.sender == game.challenger, CourtUnauthorized(msg.sender));
            require(clock - game.moved <= game.challengerTime, DisputesTooLate(gameId));
            next.challengerTime -= clock - game.moved;
            next.moved = clock;
        } else {
            require(clock - game.moved <= ARBITER_CLOCK, DisputesTooLate(gameId));
            next.moved = clock;
        }
        (next.state, next.turn) = claim.referee.next(claim, game.state, game.turn, move);
        emit Moved(claimId, gameId, move, next);

        if (next.turn > IReferee.Turn.Arbiter) _end(claimId, gameId, claim, game, next.turn, false);
        else gameHash[gameId] = keccak256(abi.encode(next));
        if (pulled != 0) _pull(pulled);
    }

    /// @inheritdoc IDisputes
    function timeOut(IReferee.Claim calldata claim, Game calldata game) external {
        uint32 clock = SETTLEMENT.tick();
        (bytes32 claimId, bytes32 gameId) = _requireGame(claim, game, ClaimState.Open);
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
        (bytes32 claimId, bytes32 gameId) = _requireGame(claim, game, ClaimState.Refuted);
        _closeGame(claimId, gameId);
        owed[game.challenger] += game.bond;
        emit Ended(claimId, gameId, IReferee.Turn.ChallengerWon, false);
    }

    /// @notice The asserter's move: its own, the first in this state, or a repetition of that by anyone.
    /// @return moved Until when its clock ran: now, or when it made the move elsewhere. From then on the challenger's
    /// runs, who can repeat it as well.
    /// @return pulled Bond to take from the caller.
    function _moveAsserter(
        bytes32 claimId,
        IReferee.Claim calldata claim,
        Game calldata game,
        bytes calldata move,
        uint32 clock
    ) private returns (uint32 moved, uint256 pulled) {
        (bytes28 known, uint32 at_) = moveOf(claimId, game.state);
        bytes28 hash = bytes28(keccak256(move));
        moved = clock;
        if (known == 0) {
            require(_isPlayer(claim.provider), CourtUnauthorized(msg.sender));
            _keepMove(claimId, game.state, hash, clock);
            pulled = _postBond(claimId, claim);
        } else {
            require(hash == known, DisputesOtherMove(known));
            moved = at_ > game.moved ? at_ : game.moved;
        }
        require(moved - game.moved <= game.asserterTime, DisputesTooLate(_idOf(game)));
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
    function _requireGame(
        IReferee.Claim calldata claim,
        Game calldata game,
        ClaimState state
    ) private view returns (bytes32 claimId, bytes32 gameId) {
        (claimId, gameId) = (keccak256(abi.encode(claim)), _idOf(game));
        bool holds = game.claim == claimId && gameHash[gameId] == keccak256(abi.encode(game));
        require(holds && _stateOf(claimId) == state, CourtOtherFacts(gameId));
    }

    function _idOf(Game memory game) private pure returns (bytes32) {
        return keccak256(abi.encode(game.claim, game.number));
    }
}
