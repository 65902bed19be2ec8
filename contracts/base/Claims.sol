// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IReferee} from "../interfaces/IReferee.sol";
import {ITallystick} from "../interfaces/ITallystick.sol";
import {Fault, Offer} from "../interfaces/ITypes.sol";
import {IVault} from "../interfaces/IVault.sol";
import {Court} from "./Court.sol";

/// @title Claims
/// @notice What is disputed, what is bound to it, and what follows when it is decided. See {IDisputes}.
/// @custom:invariant money held in disputes on the settlement = what streams under dispute hold here
/// @custom:invariant tokens held = open games' bonds, asserters' bonds and what accounts are owed
abstract contract Claims is IDisputes, Court {
    /// @dev One slot a claim.
    struct Docket {
        ClaimState state;
        uint16 open;
        uint16 games;
        uint56 bond;
        address payer;
    }

    /// @dev One slot a stream: what all claims on it hold together, from the earliest receipt on.
    struct Hold {
        uint64 amount;
        uint40 keep;
        uint32 settledAt;
        uint16 claims;
        uint96 lien;
    }

    address internal constant NOBODY = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant BPS = 10_000;
    uint256 private constant WINNER_BPS = 8_000;
    uint256 private constant MAX_PRICE = 2 ** 36;
    uint256 private constant STAKE_UNIT = 1e18;
    uint256 private constant DAY = 1 days;
    uint32 private constant GAME_GAS = 1_000_000;
    uint32 private constant SILENCE_GAS = 400_000;

    /// @inheritdoc IDisputes
    uint64 public perMove;
    /// @inheritdoc IDisputes
    mapping(bytes32 game => bytes32 hash) public gameHash;
    /// @inheritdoc IDisputes
    mapping(uint32 provider => address player) public playerOf;
    /// @inheritdoc IDisputes
    mapping(uint8 kind => IReferee referee) public refereeOf;
    mapping(bytes32 claim => Docket docket) private _dockets;
    mapping(bytes32 stream => Hold hold) private _holds;
    /// @dev First 28 bytes of a move's hash, and when it was made.
    mapping(bytes32 claim => mapping(bytes32 state => uint256 word)) private _moves;

    /// @inheritdoc IDisputes
    function setPlayer(uint32 provider, address player) external {
        require(REGISTRY.isOperator(provider, msg.sender), CourtUnauthorized(msg.sender));
        playerOf[provider] = player;
        emit PlayerSet(provider, player);
    }

    /// @inheritdoc IDisputes
    function setReferee(uint8 kind, IReferee referee) external restricted {
        refereeOf[kind] = referee;
        emit RefereeSet(kind, referee);
    }

    /// @inheritdoc IDisputes
    function setPrice(uint64 price) external restricted {
        _setPrice(price);
    }

    /// @inheritdoc IDisputes
    function claimOf(bytes32 claim) external view returns (ClaimView memory) {
        Docket memory self = _dockets[claim];
        return ClaimView(self.state, self.open, self.games, self.bond, self.payer);
    }

    /// @inheritdoc IDisputes
    function bondOf(IReferee.Claim calldata claim) external view returns (uint64) {
        return _bondOf(keccak256(abi.encode(claim)), claim);
    }

    /// @inheritdoc IDisputes
    function moveOf(bytes32 claim, bytes calldata state) external view returns (bytes28 move, uint32 at_) {
        return _moveIn(claim, keccak256(state));
    }

    /// @notice Takes what is disputed out of the unmatured earnings, with what is in dispute of the stream already.
    function _openClaim(bytes32 claimId, IReferee.Claim memory claim, Proven memory proven, uint256 clock) internal {
        _dockets[claimId].state = ClaimState.Open;
        ITallystick remedies = SETTLEMENT;
        bytes32 stream = keccak256(abi.encode(claim.key, claim.stream));
        Hold memory hold = _holds[stream];
        if (hold.amount != 0) remedies.restore(claim.provider, hold.amount);
        if (hold.lien != 0) REGISTRY.unlien(claim.provider, hold.lien);
        if (hold.claims == 0 || proven.keep < hold.keep) {
            (hold.keep, hold.settledAt) = (proven.keep, proven.settledAt);
        }
        bool forced = false;
        // what came in dispute before is as good as of yesterday, however old it is
        if (hold.claims != 0) hold.settledAt = _recent(hold.settledAt, clock);
        else forced = proven.forced && clock >= proven.settledAt + SETTLEMENT.parameters().attestedWindow;
        ++hold.claims;
        hold.amount =
            forced
                ? remedies.seizeForced(claim.id, claim.key, claim.stream, hold.keep, hold.settledAt, proven.last)
                : remedies.seize(claim.id, claim.key, claim.stream, hold.keep, hold.settledAt);
        hold.lien = REGISTRY.lien(claim.provider, _inStakeUp(hold.amount));
        _holds[stream] = hold;
        remedies.beginDispute(claim.id, claim.key);
    }

    function _addGame(bytes32 claimId) internal returns (uint16 number) {
        Docket storage self = _dockets[claimId];
        number = self.games;
        (self.open, self.games) = (self.open + 1, number + 1);
    }

    function _closeGame(bytes32 claimId, bytes32 gameId) internal {
        delete gameHash[gameId];
        --_dockets[claimId].open;
    }

    /// @notice Notes the asserter's bond, if the claim has none yet.
    /// @return bond What the caller owes for it.
    function _postBond(bytes32 claimId, IReferee.Claim calldata claim) internal returns (uint256 bond) {
        Docket storage self = _dockets[claimId];
        if (self.payer != address(0)) return 0;
        (, uint16 moves) = claim.referee.moves(claim);
        bond = uint256(moves) * perMove;
        (self.bond, self.payer) = (uint56(bond), msg.sender);
    }

    function _keepMove(bytes32 claimId, bytes32 state, bytes28 move, uint32 clock) internal {
        _moves[claimId][state] = uint256(bytes32(move)) | clock;
    }

    /// @notice Voids the claim's units and all later ones of the stream, and slashes the provider: for the whole stream
    /// if it lost, and of its deal's bond only, if it was silent.
    function _refute(bytes32 claimId, IReferee.Claim calldata claim, address challenger, bool byTime) internal {
        Docket storage self = _dockets[claimId];
        self.state = ClaimState.Refuted;
        uint64 bond = self.bond;
        if (bond != 0) _share(bond, challenger);
        self.bond = 0;
        emit ClaimEnded(claimId, ClaimState.Refuted);

        bytes32 evidence = keccak256(abi.encode(uint256(claim.index), claimId));
        if (byTime) _forfeit(claim, challenger, evidence);
        else _penalize(claim.id, claim.key, claim.stream, Fault.WrongResult, GAME_GAS, challenger, evidence);
        _voidHeld(claim);
        _release(claim);
    }

    /// @notice Ends a claim that has no open game any more, in its provider's favour.
    function _uphold(bytes32 claimId, IReferee.Claim calldata claim) internal {
        Docket storage self = _dockets[claimId];
        if (self.open != 0) return;
        self.state = ClaimState.Upheld;
        owed[self.payer] += self.bond;
        (self.bond, self.payer) = (0, address(0));
        emit ClaimEnded(claimId, ClaimState.Upheld);

        _release(claim);
    }

    /// @notice Divides a loser's bond: four fifths to the winner, whose gas it pays, the rest to nobody.
    function _share(uint256 bond, address winner) internal {
        uint64 part = uint64((bond * WINNER_BPS) / BPS);
        owed[winner] += part;
        owed[NOBODY] += uint64(bond) - part;
    }

    function _setPrice(uint64 price) internal {
        require(price != 0 && price <= MAX_PRICE, CourtOutOfBounds(price));
        perMove = price;
        emit PriceSet(price);
    }

    /// @notice Whether a claim is not open, and may be.
    function _isNew(bytes32 claimId) internal view returns (bool) {
        ClaimState state = _dockets[claimId].state;
        require(state != ClaimState.Refuted, DisputesRefuted(claimId));
        return state != ClaimState.Open;
    }

    function _stateOf(bytes32 claimId) internal view returns (ClaimState) {
        return _dockets[claimId].state;
    }

    function _claimOf(
        uint32 id,
        Proven memory proven,
        uint32 provider,
        Offer calldata offer
    ) internal view returns (IReferee.Claim memory claim) {
        (claim.id, claim.key, claim.stream, claim.index) = (id, proven.key, proven.stream, proven.index);
        (claim.units, claim.keep, claim.settledAt) = (proven.units, proven.keep, proven.settledAt);
        (claim.workHash, claim.provider, claim.program) = (proven.workHash, provider, offer.program);
        (claim.kind, claim.arbiter, claim.referee) = (offer.kind, offer.arbiter, refereeOf[offer.kind]);
        require(address(claim.referee) != address(0), DisputesNotProvable(id));
    }

    /// @notice A challenger's bond: the asserter's moves, doubled for each open game.
    function _bondOf(bytes32 claimId, IReferee.Claim memory claim) internal view returns (uint64) {
        (uint16 moves, ) = claim.referee.moves(claim);
        uint256 open = _dockets[claimId].open;
        uint256 bond = uint256(moves) * perMove;
        require(open < 64 && bond << open <= type(uint56).max, DisputesTooMany(claimId));
        return uint64(bond << open);
    }

    /// @notice The asserter's move in a state with this hash, and when it was made.
    function _moveIn(bytes32 claimId, bytes32 state) internal view returns (bytes28 move, uint32 at_) {
        uint256 word = _moves[claimId][state];
        return (bytes28(bytes32(word)), uint32(word));
    }

    /// @notice Whether the asserter has posted the claim's bond.
    function _hasBond(bytes32 claimId) internal view returns (bool) {
        return _dockets[claimId].payer != address(0);
    }

    function _isPlayer(uint32 provider) internal view returns (bool) {
        return msg.sender == playerOf[provider] || REGISTRY.isOperator(provider, msg.sender);
    }

    /// @notice Who is paid when a challenger loses: who played, or the provider's payout address if nobody had to.
    function _payeeOf(bytes32 claimId, uint32 provider) internal view returns (address payer) {
        payer = _dockets[claimId].payer;
        if (payer == address(0)) payer = REGISTRY.payoutOf(provider);
    }

    /// @dev The deal's bond only.
    function _forfeit(IReferee.Claim calldata claim, address challenger, bytes32 evidence) private {
        IVault.Charge memory charge;
        charge.subject = keccak256(abi.encode(claim.key, claim.stream, Fault.WrongResult));
        if (_isPunished(charge.subject)) return;
        (charge.fault, charge.proofGas) = (Fault.WrongResult, SILENCE_GAS);
        (charge.reporter, charge.evidence) = (challenger, evidence);
        SETTLEMENT.forfeit(claim.id, claim.key, claim.stream, charge);
    }

    function _voidHeld(IReferee.Claim calldata claim) private {
        Hold storage self = _holdOf(claim.key, claim.stream);
        (, uint48 units, ) = SETTLEMENT.stream(claim.id, claim.stream);
        if (units <= claim.keep) return; // an earlier receipt's claim was refuted, too
        uint32 at_ = _recent(claim.settledAt, SETTLEMENT.clock());
        uint64 held = self.amount;
        uint64 amount = SETTLEMENT.voidUnits(claim.id, claim.key, claim.stream, claim.keep, at_, held);
        self.amount = held - uint64(Math.min(held, amount));
    }

    /// @notice Gives back what is held for a stream when its last claim has ended.
    function _release(IReferee.Claim calldata claim) private {
        Hold storage self = _holdOf(claim.key, claim.stream);
        uint16 claims = self.claims - 1;
        if (claims == 0) {
            (uint64 amount, uint96 lien) = (self.amount, self.lien);
            delete _holds[keccak256(abi.encode(claim.key, claim.stream))];
            if (amount != 0) SETTLEMENT.restore(claim.provider, amount);
            if (lien != 0) REGISTRY.unlien(claim.provider, lien);
        } else {
            self.claims = claims;
        }
        SETTLEMENT.endDispute(claim.id);
    }

    function _holdOf(bytes32 key, uint8 stream) private view returns (Hold storage) {
        return _holds[keccak256(abi.encode(key, stream))];
    }

    function _inStakeUp(uint256 value) private view returns (uint96) {
        uint256 stake = Math.ceilDiv(value * STAKE_UNIT, SETTLEMENT.parameters().stakeValue);
        return uint96(Math.min(stake, type(uint96).max));
    }

    /// @dev What was settled a day ago matures no earlier than tomorrow.
    function _recent(uint32 settledAt, uint256 clock) private pure returns (uint32) {
        return uint32(Math.max(settledAt, clock - DAY));
    }
}
