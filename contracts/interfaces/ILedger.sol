// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title ILedger
/// @notice Governed parameters, the protocol clock and the pause: what every part of the settlement stands on.
/// @dev Amounts are base units of the settlement token. Times are seconds on the protocol clock.
interface ILedger {
    /// @notice Governed numbers; each setter enforces the bounds in code.
    /// @param attestedWindow Seconds until attested money matures.
    /// @param forcedWindow Seconds until forced money matures.
    /// @param closingPeriod Seconds a deal stays Closing.
    /// @param retention Seconds a Closed deal keeps its id.
    /// @param keyNotice Seconds between announcing new deal keys and using them.
    /// @param coverageBps Unmatured earnings a provider may have, in 1/10,000 of its slashable stake's value.
    /// @param bondBps Bond a deal reserves from the provider's stake, in 1/10,000 of the budget's value.
    /// @param protocolFeeBps Protocol's share of matured money, in 1/10,000.
    /// @param committeeFeeBps Committee's share of matured money, in 1/10,000.
    /// @param stakeValue Settlement token base units that 10^18 base units of the stake token are valued at.
    struct Parameters {
        uint32 attestedWindow;
        uint32 forcedWindow;
        uint32 closingPeriod;
        uint32 retention;
        uint32 keyNotice;
        uint16 coverageBps;
        uint16 bondBps;
        uint16 protocolFeeBps;
        uint16 committeeFeeBps;
        uint32 stakeValue;
    }

    /// @notice The parameters changed.
    /// @param parameters The new ones.
    event ParametersSet(Parameters parameters);

    /// @notice New deals are refused until `until`.
    /// @param until Second on the protocol clock.
    event Paused(uint32 until);

    /// @notice The fees' recipients changed.
    /// @param treasury Receives the protocol's fee.
    /// @param committeeTreasury Receives the committee's fee.
    event TreasuriesSet(address indexed treasury, address indexed committeeTreasury);

    /// @notice A parameter lies outside its bounds.
    error LedgerParameterOutOfBounds(string name, uint256 value);

    /// @notice New deals are paused until `until`.
    error LedgerPaused(uint32 until);

    /// @notice A pause that ended or ends at `until` is followed by as long a rest as a pause may last.
    error LedgerPauseTooSoon(uint32 until);

    /// @notice The stake's value changed less than a day ago; `from` is when it may again.
    error LedgerValueTooSoon(uint256 from);

    /// @notice This is the desk's own address; call the settlement.
    error LedgerNotTheSettlement();

    /// @notice The zero address was given where an account is needed.
    error LedgerZeroAddress();

    /// @notice The settlement token has more decimals than the packed words can hold.
    error LedgerTokenDecimals(uint8 decimals);

    /// @notice Advances the protocol clock by the time since its last touch, at most one hour.
    /// @dev Permissionless. Everything that depends on time touches the clock as well.
    /// @return clock Seconds on the protocol clock.
    function tick() external returns (uint32 clock);

    /// @notice Replaces the parameters.
    /// @dev Governance only.
    /// @param parameters See {Parameters}.
    function setParameters(Parameters calldata parameters) external;

    /// @notice Replaces the fees' recipients.
    /// @dev Governance only.
    /// @param treasury Receives the protocol's fee.
    /// @param committeeTreasury Receives the committee's fee.
    function setTreasuries(address treasury, address committeeTreasury) external;

    /// @notice Refuses new deals for `duration`, at most 14 days; it ends by itself, or at once with 0.
    /// The next one may begin 14 days after its end.
    /// @dev Guardian only. Settlement, withdrawal and claims go on.
    /// @param duration Seconds.
    function pause(uint32 duration) external;

    /// @notice The protocol clock as a touch in this block would leave it.
    /// @return Seconds.
    function clock() external view returns (uint32);

    /// @notice The parameters in force.
    /// @return See {Parameters}.
    function parameters() external view returns (Parameters memory);

    /// @notice Until when new deals are refused.
    /// @return Second on the protocol clock.
    function pausedUntil() external view returns (uint32);

    /// @notice Recipients of the fees.
    /// @return treasury Receives the protocol's fee.
    /// @return committeeTreasury Receives the committee's fee.
    function treasuries() external view returns (address treasury, address committeeTreasury);
}
