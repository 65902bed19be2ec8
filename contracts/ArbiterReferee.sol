// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IArbiter, IArbitrable} from "./interfaces/IArbiter.sol";
import {IArbiterReferee} from "./interfaces/IArbiterReferee.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IReferee} from "./interfaces/IReferee.sol";

/// @title ArbiterReferee
/// @notice See {IArbiterReferee}.
/// @custom:invariant wei held = fees of claims not yet with their arbiter, of those not yet ruled one fee, and what
/// accounts are owed
contract ArbiterReferee is IArbiterReferee {
    /// @dev Rulings there are besides "refused": for the asserter, for the challenger.
    uint256 private constant CHOICES = 2;
    bytes private constant UNPAID = hex"00";
    bytes private constant CHALLENGED = hex"01";
    bytes private constant SUBMITTED = hex"02";

    /// @inheritdoc IArbiterReferee
    IDisputes public immutable DISPUTES;

    /// @inheritdoc IArbiterReferee
    mapping(address account => uint256 wei_) public owed;
    mapping(bytes32 claim => Case case_) private _cases;
    mapping(address arbiter => mapping(uint256 dispute => bytes32 claim)) private _claims;

    constructor(IDisputes disputes) {
        DISPUTES = disputes;
    }

    /// @inheritdoc IArbiterReferee
    function pay(Claim calldata claim, Side side) external payable {
        bytes32 id = keccak256(abi.encode(claim));
        IDisputes.ClaimState state = DISPUTES.claimOf(id).state;
        require(state == IDisputes.ClaimState.Open, ArbiterRefereeNotOpen(id));
        Case storage self = _cases[id];
        require(self.payers[uint256(side)] == address(0), ArbiterRefereePaid(id, side));
        bytes memory about = abi.encode(claim);
        uint256 cost = IArbiter(claim.arbiter).arbitrationCost(about);
        require(msg.value >= cost, ArbiterRefereeTooLittle(msg.value, cost));
        self.payers[uint256(side)] = msg.sender;
        owed[msg.sender] += msg.value - cost;
        emit Paid(id, side, msg.sender, cost);

        if (self.payers[0] == address(0) || self.payers[1] == address(0)) {
            self.fee = cost;
            return;
        }
        // The fee that came first stays here for who wins; the second one is the arbiter's.
        self.state = CaseState.Submitted;
        uint256 dispute = IArbiter(claim.arbiter).createDispute{value: cost}(CHOICES, about);
        bytes32 taken = _claims[claim.arbiter][dispute];
        require(taken == 0, ArbiterRefereeBadDispute(dispute));
        _claims[claim.arbiter][dispute] = id;
        emit Submitted(id, IArbiter(claim.arbiter), dispute);
    }

    /// @inheritdoc IArbitrable
    function rule(uint256 dispute, uint256 ruling) external {
        bytes32 id = _claims[msg.sender][dispute];
        require(_cases[id].state == CaseState.Submitted && ruling <= CHOICES, ArbiterRefereeBadDispute(dispute));
        _decide(id, Turn(ruling == 0 ? uint256(Turn.Drawn) : uint256(Turn.Arbiter) + ruling));
        emit Ruling(IArbiter(msg.sender), dispute, ruling);
    }

    /// @inheritdoc IArbiterReferee
    function reclaim(bytes32 id) external {
        IDisputes.ClaimState state = DISPUTES.claimOf(id).state;
        Case storage self = _cases[id];
        require(state != IDisputes.ClaimState.Open && self.fee != 0, ArbiterRefereeNotOpen(id));
        if (self.state == CaseState.Submitted) return _decide(id, Turn.Drawn);
        address payer = self.payers[0] == address(0) ? self.payers[1] : self.payers[0];
        owed[payer] += self.fee;
        delete _cases[id];
    }

    /// @inheritdoc IArbiterReferee
    function withdraw(address account) external {
        uint256 amount = owed[account];
        owed[account] = 0;
        emit Withdrawn(account, amount);

        (bool sent, ) = account.call{value: amount}("");
        require(sent && amount != 0, ArbiterRefereeUnpaid(account));
    }

    /// @inheritdoc IReferee
    function next(
        Claim calldata claim,
        bytes calldata state,
        Turn,
        bytes calldata
    ) external view returns (bytes memory after_, Turn then_) {
        Case storage self = _cases[keccak256(abi.encode(claim))];
        if (_same(state, UNPAID)) {
            require(self.payers[uint256(Side.Challenger)] != address(0), RefereeBadMove());
            return (CHALLENGED, Turn.Asserter);
        }
        if (_same(state, CHALLENGED)) {
            require(self.state != CaseState.None, RefereeBadMove());
            return (SUBMITTED, Turn.Arbiter);
        }
        require(self.state == CaseState.Decided, RefereeBadMove());
        return (state, self.outcome);
    }

    /// @inheritdoc IArbiterReferee
    function caseOf(bytes32 id) external view returns (Case memory) {
        return _cases[id];
    }

    /// @inheritdoc IReferee
    function first(Claim calldata claim) external pure returns (bytes memory state, Turn turn) {
        require(claim.arbiter != address(0), RefereeNotMine(claim.kind, claim.arbiter));
        return (UNPAID, Turn.Challenger);
    }

    /// @inheritdoc IReferee
    function advance(bytes calldata, Turn, bytes calldata) external pure returns (bytes memory, Turn) {
        revert RefereeNeedsClaim(); // its rulings are about claims
    }

    /// @inheritdoc IReferee
    function moves(Claim calldata claim) external pure returns (uint16 asserter, uint16 challenger) {
        require(claim.arbiter != address(0), RefereeNotMine(claim.kind, claim.arbiter));
        // each pays the fee and says so
        return (2, 2);
    }

    /// @notice Fixes the outcome for good and gives the fee that is here to who won, or back in halves.
    function _decide(bytes32 id, Turn outcome) private {
        Case storage self = _cases[id];
        (self.state, self.outcome) = (CaseState.Decided, outcome);
        uint256 fee = self.fee;
        self.fee = 0;
        if (outcome == Turn.Drawn) {
            owed[self.payers[0]] += fee / 2;
            owed[self.payers[1]] += fee - fee / 2;
        } else {
            owed[self.payers[outcome == Turn.AsserterWon ? 0 : 1]] += fee;
        }
        emit Decided(id, outcome);
    }

    function _same(bytes calldata left, bytes memory right) private pure returns (bool) {
        return keccak256(left) == keccak256(right);
    }
}
